"""Screens of sources: make one, see what it sent, give it a new token, send a test in its name."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from raglan.alerts import actions as alerts
from raglan.alerts import dry_run
from raglan.alerts.models import Alert, Signal, Source
from raglan.alerts.paste import SIGNED, paste_line
from raglan.config import config
from raglan.console import actions, events, health, heartbeat_views, trials
from raglan.console.flap_form import FlappingForm, flapping_initial, usual_words
from raglan.console.forms import HeartbeatForm, MappingForm, SourceForm
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, NotFound, RaglanError
from raglan.core.models import Event
from raglan.integrations.zabbix import doors as zabbix
from raglan.people.access import Scope, reader, require
from raglan.people.models import Person

LAST = 20
SHOWN_CHANGES = 10
MOST_RAW = 20_000


@dataclass(frozen=True, slots=True)
class Arrived:
    """One signal as it came, and what became of it."""

    signal: Signal
    raw: str
    became: str


@never_cache
def new_source(request: HttpRequest) -> HttpResponse:
    """Make a source. Its token is in the answer to the form, and nowhere else."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            source, token = alerts.create_source(
                name=data["name"], slug=data["slug"], kind=data["kind"], mapping=data["mapping"], actor=person
            )
            return _with_token(request, source, token, 201)
        except BadInput as error:
            name = error.field.partition(".")[0]
            said = error.reason if name == error.field else error.sentence
            form.add_error(name if name in form.fields else None, said)
    return render(request, "console/new_source.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
def show_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a source sent lately, and what became of it."""
    return render(request, "console/source.html", _context(_source(slug)))


@require_GET
def part(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the list again, for a screen that heard that something came."""
    return render(request, "console/part_source.html", _context(_source(slug)))


@never_cache
@require_POST
def new_token(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a source a new token; the old one is good for one more day."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    source = _source(slug)
    token = alerts.rotate_token(source, actor=person)
    return _with_token(request, _source(slug), token, 200)


@require_POST
def send_test(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a test alert fire in the name of a source."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    source = _source(slug)
    outcome = actions.send_test_alert(source, actor=person)
    if outcome.new:
        messages.success(request, "A test alert fires now. It ends by itself in five minutes.")
    else:
        messages.info(request, "The last test alert still fires; this one was counted with it.")
    return redirect("console:source", slug)


@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch a source off or on, let it be noisy or page again, or end its old token."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    found = CHANGES.get(request.POST.get("what", ""))
    if found is None:
        raise NotFound("There is no such switch.")
    act, words = found
    act(_source(slug), person)
    messages.success(request, words)
    return redirect("console:source", slug)


Act = Callable[[Source, Person], None]
CHANGES: dict[str, tuple[Act, str]] = {
    "off": (lambda source, by: alerts.switch_source(source, is_on=False, actor=by), "Nothing more is taken from it."),
    "on": (lambda source, by: alerts.switch_source(source, is_on=True, actor=by), "It is heard again."),
    "noisy": (lambda source, by: alerts.set_noisy(source, is_noisy=True, actor=by), "It is stored, and pages nobody."),
    "pages": (lambda source, by: alerts.set_noisy(source, is_noisy=False, actor=by), "What still fires pages again."),
    "end_old": (lambda source, by: alerts.end_old_token(source, actor=by), "Only the newest token is good now."),
}


@require_POST
def save_secret(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the secret with which a source signs, sealed; it is not shown again."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    secret = clean_text(request.POST.get("secret", "")).strip()
    try:
        alerts.save_secret(_source(slug), secret, actor=person)
    except BadInput as error:
        messages.error(request, error.sentence)
        return redirect("console:source", slug)
    words = "From now on only what is signed with it is taken." if secret else "It is taken without a signature."
    messages.success(request, words)
    return redirect("console:source", slug)


@require_POST
def save_flapping(request: HttpRequest, slug: str) -> HttpResponse:
    """Say when alerts of a source flap."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    source = _source(slug)
    form = FlappingForm(request.POST)
    if form.is_valid():
        if request.POST.get("do") == "try":
            trial = dry_run.dry_run(dry_run.with_noise(flapping=form.rule(), source_id=source.pk))
            return render(request, "console/source.html", _context(source) | {"flap_form": form, "trial": trial})
        try:
            alerts.save_flapping(source, form.rule(), actor=person)
        except BadInput as error:
            form.place(error)
        else:
            messages.success(request, "It is saved. It decides for alerts that open from now on.")
            return redirect("console:source", slug)
    return render(request, "console/source.html", _context(source) | {"flap_form": form}, status=422)


@require_POST
def mapping(request: HttpRequest, slug: str) -> HttpResponse:
    """Try a mapping on what came last, or save it."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    source = _source(slug)
    form = MappingForm(source.kind, request.POST)
    if not form.is_valid():
        return render(request, "console/source.html", _context(source) | {"mapping_form": form}, status=422)
    wanted = form.cleaned_data["mapping"]
    try:
        alerts.check_mapping(source.kind, wanted)
    except BadInput as error:
        form.add_error("mapping", error.sentence)
        return render(request, "console/source.html", _context(source) | {"mapping_form": form}, status=422)
    if request.POST.get("what") != "save":
        tried = trials.on_what_came(source, wanted)
        return render(request, "console/source.html", _context(source) | {"mapping_form": form, "tried": tried})
    alerts.save_mapping(source, wanted, actor=person)
    is_mail = source.kind == Source.Kind.EMAIL
    messages.success(
        request,
        "The rules are saved; the next mail is read by them."
        if is_mail
        else "The mapping is saved; the next message is read by it.",
    )
    return redirect("console:source", slug)


@require_POST
def confirm(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Confirm a topic of AWS: its address is asked by us, once a person has said so."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    source = _source(slug)
    try:
        topic = actions.confirm_topic(source, pk, actor=person)
        messages.success(request, f"AWS may send {topic} here now.")
    except RaglanError as error:
        messages.error(request, error.sentence)
    return redirect("console:source", slug)


@require_GET
def media_type(request: HttpRequest) -> HttpResponse:
    """Give the media type for Zabbix, with our address in it."""
    reader(request)
    answer = HttpResponse(zabbix.media_type(config().public_url), content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="media_raglan.yaml"'
    return answer


def _source(slug: str) -> Source:
    found = Source.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such source.")
    return found


def _with_token(request: HttpRequest, source: Source, token: str, status: int) -> HttpResponse:
    context = _context(source) | {"token": token, "paste": paste_line(source, token)}
    return render(request, "console/source.html", context, status=status)


def _context(source: Source) -> dict[str, object]:
    since = timeline.newest_id()
    look, word = health.source_look(source)
    return {
        "source": source,
        "look": look,
        "word": word,
        "paste": paste_line(source, f"…{source.token_hint}"),
        "address": config().public_url,
        "arrived": (arrived := _arrived(source)),
        "asks": next((item.signal for item in arrived if trials.asks_to_confirm(source, item.signal)), None),
        "may_sign": source.kind in SIGNED,
        "has_mapping": source.kind in (Source.Kind.GENERIC, Source.Kind.EMAIL),
        "has_two_tokens": source.previous_ends_at is not None and source.previous_ends_at > now(),
        "mapping_form": MappingForm(
            source.kind, initial={"mapping": json.dumps(source.mapping, indent=1, ensure_ascii=False)}
        ),
        "heartbeats": heartbeat_views.rows(source),
        "changes": timeline_of(source),
        "has_heartbeats": source.kind in heartbeat_views.KINDS,
        "heartbeat_form": HeartbeatForm(),
        "flap_form": FlappingForm(initial=flapping_initial(source.flapping)),
        "usual": usual_words(),
        "topics": f"{timeline.ref(source)} alerts",
        "live_topics": f"{timeline.ref(source)} alerts",
        "live_since": since,
    }


@dataclass(frozen=True, slots=True)
class Changed:
    """What somebody changed of a source."""

    at: datetime
    what: str
    who: str


def timeline_of(source: Source) -> list[Changed]:
    """Return what was changed of a source last, and by whom."""
    wanted = ("source.changed", "heartbeat.changed", events.TestAlertSent.kind)
    found = Event.objects.filter(subjects__subject=timeline.ref(source), kind__in=wanted).order_by("-pk")[
        :SHOWN_CHANGES
    ]
    people = {
        f"person:{pk}": name for pk, name in Person.objects.filter(pk__in=_actors(found)).values_list("pk", "name")
    }
    return [Changed(event.at, _what(event), people.get(event.actor, "a program")) for event in found]


def _actors(found: Iterable[Event]) -> list[int]:
    return [int(event.actor.removeprefix("person:")) for event in found if event.actor.startswith("person:")]


def _what(event: Event) -> str:
    """Return what an event says was done, with the heartbeat that it is about."""
    if event.kind == events.TestAlertSent.kind:
        return "a test alert was sent"
    about = f" ({event.data['name']})" if event.kind.startswith("heartbeat") else ""
    return f"{event.data['what']}{about}"


def _arrived(source: Source) -> list[Arrived]:
    found = Signal.objects.filter(source=source).select_related("alert__group__page__acknowledged_by").order_by("-pk")
    return [Arrived(signal, _raw(signal), _became(signal)) for signal in found[:LAST]]


def _raw(signal: Signal) -> str:
    body = signal.raw.get("body") if isinstance(signal.raw, dict) else signal.raw
    return json.dumps(body, indent=1, ensure_ascii=False, default=str)[:MOST_RAW]


def _became(signal: Signal) -> str:
    if signal.alert is None:
        return signal.problem or "Nothing was open that it could end"
    state = "firing" if signal.alert.state == Alert.State.FIRING else "over"
    if signal.alert.held:
        return f"Its alert is {state}; it {'is' if state == 'firing' else 'was'} held back: {signal.alert.held}"
    page = signal.alert.group.page
    if page is None:
        return f"Its alert is {state}; nobody could be paged"
    who = f"{page.acknowledged_by.name} has the page" if page.acknowledged_by else page.get_state_display()
    return f"Its alert is {state}. {who}"
