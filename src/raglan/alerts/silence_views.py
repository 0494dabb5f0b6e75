"""Screens of silences: what is muted, by whom, until when; look first, then set."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.alerts import actions, matchers, noise_queries
from raglan.alerts.forms import SilenceForm, silence_initial
from raglan.alerts.models import Alert, Silence
from raglan.alerts.pipeline.route import Matcher
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.people.access import Scope, needs, reader

PER_PAGE = 40
STATES = (("active", "Active"), ("pending", "To come"), ("expired", "Over"))
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Row:
    """A silence with its state and its matchers in words."""

    silence: Silence
    state: str
    words: list[str]


def _row(silence: Silence) -> Row:
    words = [str(matcher) for matcher in matchers.read(silence.matchers)]
    return Row(silence, noise_queries.silence_state(silence, now()), words)


@require_GET
def silences(request: HttpRequest) -> HttpResponse:
    """All silences, active ones first."""
    state = request.GET.get("state", "active")
    state = state if state in dict(STATES) else "active"
    page = Paginator(noise_queries.silences(state=state), PER_PAGE).get_page(request.GET.get("page"))
    rows = [_row(silence) for silence in page.object_list]
    context = {"page": page, "rows": rows, "state": state, "states": STATES, "may": reader(request).may_respond}
    return render(request, "alerts/silences.html", context)


@require_GET
def silence(request: HttpRequest, pk: int) -> HttpResponse:
    """One silence, and what it holds back now."""
    found = noise_queries.silence(pk)
    held = noise_queries.held_by(f"silence:{found.pk}") if noise_queries.silence_state(found, now()) == "active" else []
    context = {"row": _row(found), "held": held, "may": reader(request).may_respond}
    return render(request, "alerts/silence.html", context)


@form_methods
@needs(Scope.RESPOND)
def new_silence(request: HttpRequest) -> HttpResponse:
    """Set a silence: look what it hits, then set it."""
    person = reader(request)
    form = SilenceForm(request.POST or None, initial=_suggested(request))
    hits = _look(request, form)
    if hits and request.POST.get("do") == "save":
        made = _attempt(
            form, lambda: actions.set_silence(form.draft(), by=actions.Setter(person.name, person), actor=person)
        )
        if made:
            messages.success(request, "It is silent now. What still fires at the end pages then.")
            return redirect("alerts:silence", made.pk)
    return _form(request, form, hits)


@form_methods
@needs(Scope.RESPOND)
def change_silence(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a silence that is not over."""
    found = noise_queries.silence(pk)
    form = SilenceForm(request.POST or None, initial=silence_initial(found))
    hits = _look(request, form)
    if hits and request.POST.get("do") == "save":
        version = form.cleaned_data["seen_version"] or 0
        done = _attempt(
            form, lambda: actions.change_silence(found, form.draft(), version=version, actor=reader(request))
        )
        if done:
            messages.success(request, "The silence is changed.")
            return redirect("alerts:silence", found.pk)
    return _form(request, form, hits, found)


@require_POST
@needs(Scope.RESPOND)
def expire_silence(request: HttpRequest, pk: int) -> HttpResponse:
    """End a silence now."""
    found = actions.expire_silence(noise_queries.silence(pk), actor=reader(request))
    messages.success(request, "The silence is over. What it muted and still fires pages now.")
    return redirect("alerts:silence", found.pk)


def _suggested(request: HttpRequest) -> dict[str, object]:
    """Return what the form starts with: the labels of an alert, or the matchers of an earlier silence."""
    alert, again = request.GET.get("alert", ""), request.GET.get("again", "")
    if _is_id(alert) and (found := Alert.objects.filter(pk=int(alert)).first()):
        conditions = [Matcher(name, "=", value) for name, value in sorted(found.labels.items())]
        return {"matchers": matchers.written(conditions[: matchers.MAX_MATCHERS])}
    if _is_id(again) and (earlier := Silence.objects.filter(pk=int(again)).first()):
        return {"matchers": matchers.written(matchers.read(earlier.matchers)), "reason": earlier.reason}
    return {}


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _look(request: HttpRequest, form: SilenceForm) -> noise_queries.Hits | None:
    """Return what a silence as written would hit; None when it can not be set."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        actions.check_silence(form.draft())
    except BadInput as error:
        form.place(error)
        return None
    return noise_queries.hits(form.cleaned_data["matchers"])


def _attempt(form: SilenceForm, action: Callable[[], Silence]) -> Silence | None:
    try:
        return action()
    except BadInput as error:
        form.place(error)
    except Conflict as error:
        form.add_error(None, error.sentence)
    return None


def _form(
    request: HttpRequest, form: SilenceForm, hits: noise_queries.Hits | None, silence: Silence | None = None
) -> HttpResponse:
    context = {"form": form, "hits": hits, "silence": silence}
    return render(request, "alerts/silence_form.html", context, status=422 if form.errors else 200)
