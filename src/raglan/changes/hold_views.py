"""Screens of holds: what stops automation, until when, who has obeyed and who has not asked; drills and freezes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

import raglan
from raglan.changes import freezing, hearing, hold_queries, holding, ports
from raglan.changes.hold_forms import DrillForm, ExtendForm, FreezeForm, HoldForm, LiftForm, ThroughForm, suggested
from raglan.changes.hold_models import Freeze, Hold, HoldHeard
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.people.access import Scope, needs, reader, require
from raglan.people.forms import Form
from raglan.ui.svg import Part

T = TypeVar("T")
SHOWN = 50
SILENT_SHOWN = 20
COMING = 3
PARTS = ("head", "obeyed", "side")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Row:
    """A hold in a list."""

    hold: Hold
    state: str
    tally: hold_queries.Tally | None = None


@dataclass(frozen=True, slots=True)
class Obeyed:
    """Who has heard of a hold, as a bar and as lists."""

    parts: list[Part]
    call: ports.RollCall
    heard: list[HoldHeard]
    unknown: set[str] = field(default_factory=set)

    @property
    def more_heard(self) -> bool:
        """Whether more have heard of it than are shown."""
        return len(self.heard) == SHOWN

    @property
    def more_untold(self) -> bool:
        """Whether more were not told than are shown."""
        return self.call.went_on + self.call.not_asked > len(self.call.some)


@require_GET
def holds(request: HttpRequest) -> HttpResponse:
    """What is stopped now, what will be, and what was."""
    since = timeline.newest_id()
    on, coming = list(hold_queries.on_now()), list(hold_queries.coming())
    over = Paginator(hold_queries.over(), SHOWN).get_page(request.GET.get("page"))
    context = {
        "on": [Row(hold, "on", hold_queries.tally(hold)) for hold in on],
        "coming": [Row(hold, "coming") for hold in coming],
        "over": [Row(hold, "over") for hold in over],
        "page": over,
        "freezes": [(freeze, repeats(freeze), _next_words(freeze)) for freeze in hold_queries.freezes()],
        "drill": hold_queries.last_drill(),
        "too_long": freezing.too_long(now()) if on or coming else None,
        "may": reader(request).may_respond,
        "live_topics": f"holds {hearing.GATE}",
        "live_since": since,
    }
    return render(request, "changes/holds_open.html" if request.GET.get("part") else "changes/holds.html", context)


@form_methods
@needs(Scope.RESPOND)
def new_hold(request: HttpRequest) -> HttpResponse:
    """Stop automation."""
    form = HoldForm(request.POST or None, initial=suggested(request.GET.dict()))
    if made := _done(request, form, lambda: holding.raise_hold(form.draft(), by=by(request))):
        messages.success(request, "Automation that asks the gate is stopped. It goes on by itself at the end.")
        return redirect("holds:show", made.pk)
    return _form(request, form, "changes/hold_form.html")


@form_methods
@needs(Scope.RESPOND)
def new_drill(request: HttpRequest) -> HttpResponse:
    """Practise a stop."""
    form = DrillForm(request.POST or None)
    if made := _done(request, form, lambda: holding.raise_hold(form.draft(), by=by(request))):
        messages.success(request, "The drill has begun. It ends by itself.")
        return redirect("holds:show", made.pk)
    return _form(request, form, "changes/drill_form.html")


@form_methods
@needs(Scope.RESPOND)
def new_freeze(request: HttpRequest) -> HttpResponse:
    """Plan a time without changes."""
    person = reader(request)
    today = now().astimezone(ZoneInfo(person.time_zone)).date()
    form = FreezeForm(request.POST or None, initial={"zone": person.time_zone, "first": today})
    if _done(request, form, lambda: freezing.plan_freeze(form.draft(), by=by(request), anyway=form.is_meant)):
        messages.success(request, "The freeze is planned.")
        return redirect("holds:index")
    return _form(request, form, "changes/freeze_form.html")


@require_POST
@needs(Scope.RESPOND)
def end_freeze(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a freeze not come again."""
    freezing.end_freeze(hold_queries.freeze(pk), by=by(request))
    messages.success(request, "It will not come again.")
    return redirect("holds:index")


@form_methods
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """One hold: who has obeyed, who has not asked, when it ends; extend, lift, let somebody go on."""
    if request.method == "POST":
        require(reader(request), Scope.RESPOND)
    since = timeline.newest_id()
    found = hold_queries.hold(pk)
    forms = _forms(request, found)
    if request.method == "POST" and _act(request, found, forms):
        return redirect("holds:show", found.pk)
    topics = f"{timeline.ref(found)} {hearing.GATE}"
    context = {**_facts(request, found), **forms, "live_topics": topics, "live_since": since}
    failed = any(form.errors for form in forms.values() if form.is_bound)
    return render(request, "changes/hold.html", context, status=422 if failed else 200)


@require_GET
def part(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One region of a hold's page, for a screen that heard that something changed."""
    if name not in PARTS:
        raise NotFound("There is no such part of this screen.")
    found = hold_queries.hold(pk)
    return render(request, f"changes/hold_{name}.html", {**_facts(request, found), **_forms(request, found)})


def _facts(request: HttpRequest, found: Hold) -> dict[str, object]:
    state = hold_queries.state_of(found, now())
    return {
        "row": Row(found, state),
        "obeyed": _obeyed(found),
        "goes_on": freezing.goes_on_after(found, now()) if state != "over" else None,
        "exceptions": hold_queries.exceptions_of(found),
        "drill": hold_queries.last_drill(),
        "at": now(),
        "may": reader(request).may_respond and state != "over",
    }


@require_POST
@needs(Scope.RESPOND)
def take_back(request: HttpRequest, pk: int, exception: int) -> HttpResponse:
    """End an exception now."""
    found = hold_queries.hold(pk)
    holding.take_back(hold_queries.exception(exception, found), by=by(request))
    messages.success(request, "The exception is over.")
    return redirect("holds:show", found.pk)


def _forms(request: HttpRequest, found: Hold) -> dict[str, Form]:
    do, post = request.POST.get("do", ""), request.POST
    return {
        "extend": ExtendForm(post if do == "extend" else None, initial={"version": found.version}),
        "lift": LiftForm(post if do == "lift" else None),
        "through": ThroughForm(post if do == "through" else None),
    }


def _act(request: HttpRequest, found: Hold, forms: dict[str, Form]) -> bool:
    """Do what one of the forms of a hold asks for; tell whether it was done."""
    who = by(request)
    extend, lift, through = forms["extend"], forms["lift"], forms["through"]
    assert isinstance(extend, ExtendForm)
    assert isinstance(through, ThroughForm)
    if _done(request, lift, lambda: holding.lift(found, word=lift.cleaned_data["word"], by=who)):
        messages.success(request, "The hold is lifted. Hosts go on when they ask next.")
        return True
    if _done(request, extend, lambda: _extend(extend, found, who)):
        messages.success(request, "The hold ends at another time.")
        return True
    if _done(request, through, lambda: holding.let_through(found, through.through(), by=who)):
        messages.success(request, "The exception holds from now on.")
        return True
    return False


def _extend(form: ExtendForm, found: Hold, who: holding.By) -> Hold:
    try:
        return holding.extend(found, form.ends_at(), version=form.cleaned_data["version"], by=who)
    except BadInput as error:
        raise BadInput("hours", error.reason, status=422) from None


def _obeyed(found: Hold) -> Obeyed:
    tally, call = hold_queries.tally(found), ports.roll().call(found, most=SILENT_SHOWN)
    parts = [
        Part("good", tally.obeyed, "obeyed"),
        Part("change", tally.let_through, "let through"),
        Part("bad", call.went_on, "went on", "hatch"),
        Part("unknown", call.not_asked, "not asked", "hollow"),
    ]
    heard = list(hold_queries.heard_of(found)[:SHOWN])
    known = ports.roll().known({row.host for row in heard})
    return Obeyed(parts, call, heard, {row.host for row in heard} - known)


def repeats(freeze: Freeze) -> str:
    """Say how often a freeze comes."""
    return f"each {', '.join(DAYS[day] for day in freeze.days)}" if freeze.days else "once"


def _next_words(freeze: Freeze) -> list[str]:
    zone = ZoneInfo(freeze.zone)
    coming = islice(freezing.windows(freeze, now()), COMING)
    over = freezing.ends_for_good_at(freeze, at=now())
    return [
        f"{start.astimezone(zone):%a %d %b %H:%M} to {end.astimezone(zone):%a %d %b %H:%M}" for start, end in coming
    ] + ([f"ends for good on {over.astimezone(zone):%a %d %b %H:%M}, for it would never let go"] if over else [])


@require_GET
@login_not_required
def program(request: HttpRequest) -> HttpResponse:
    """The program for hosts, for whoever sets one up: it is public and holds no secret."""
    text = (Path(raglan.__file__).parent / "host.py").read_bytes()
    answer = HttpResponse(text, content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="raglan-host"'
    return answer


def by(request: HttpRequest) -> holding.By:
    """Return who acts."""
    person = reader(request)
    return holding.By(person.name, person, person)


def _done(request: HttpRequest, form: Form, action: Callable[[], T]) -> T | None:
    """Do it when the form was sent and is right; a refusal lands at its field."""
    if request.method != "POST" or not form.is_bound or not form.is_valid():
        return None
    try:
        return action()
    except BadInput as error:
        name = {"ends_at": "hours" if "hours" in form.fields else "minutes"}.get(error.field, error.field)
        form.add_error(name if name in form.fields else None, f"{error.reason[:1].upper()}{error.reason[1:]}.")
    except Conflict as error:
        form.add_error(None, error.sentence)
    return None


def _form(request: HttpRequest, form: Form, template: str) -> HttpResponse:
    context = {"form": form, "drill": hold_queries.last_drill()}
    return render(request, template, context, status=422 if form.errors else 200)
