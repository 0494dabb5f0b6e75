"""Screens of sources: make one, see what it sent, give it a new token, send a test in its name."""

import json
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from raglan.alerts import actions as alerts
from raglan.alerts.models import Alert, Signal, Source
from raglan.alerts.rest import paste_line
from raglan.config import config
from raglan.console import actions, health
from raglan.console.forms import SourceForm
from raglan.core import timeline
from raglan.core.errors import BadInput, NotFound
from raglan.people.access import Scope, reader, require

LAST = 20
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
            form.add_error(error.field if error.field in form.fields else None, error.reason)
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
    """Give a source a new token; the old one ends at once."""
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
        "arrived": _arrived(source),
        "topics": f"{timeline.ref(source)} alerts",
        "live_topics": f"{timeline.ref(source)} alerts",
        "live_since": since,
    }


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
    page = signal.alert.group.page
    if page is None:
        return f"Its alert is {state}; nobody could be paged"
    who = f"{page.acknowledged_by.name} has the page" if page.acknowledged_by else page.get_state_display()
    return f"Its alert is {state}. {who}"
