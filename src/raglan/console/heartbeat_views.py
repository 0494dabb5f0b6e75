"""Screens of heartbeats, on the screen of their source."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from raglan.alerts import heartbeats
from raglan.alerts.models import Heartbeat, Source
from raglan.console.forms import HeartbeatForm
from raglan.core.errors import BadInput, NotFound
from raglan.people.access import Scope, reader, require
from raglan.people.models import Person

KINDS = (Source.Kind.HEARTBEAT, Source.Kind.OPSGENIE)
SHOWN = 200
LOOKS = {"new": "unknown", "up": "good", "down": "bad", "paused": "unknown"}


@dataclass(frozen=True, slots=True)
class Row:
    """A heartbeat with how it looks and when it would be missing."""

    heartbeat: Heartbeat
    look: str
    missing_at: datetime | None


def rows(source: Source) -> list[Row]:
    """Return the heartbeats of a source, those that are missing first."""
    found = Heartbeat.objects.filter(source=source).order_by("state", "name", "pk")[:SHOWN]
    return [Row(item, LOOKS[item.state], heartbeats.deadline(item)) for item in found]


@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a heartbeat to a source."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    source = Source.objects.filter(slug=slug, kind__in=KINDS).first()
    if source is None:
        raise NotFound("There is no such source of heartbeats.")
    form = HeartbeatForm(request.POST)
    if form.is_valid():
        try:
            heartbeats.create(source, form.draft(), actor=person)
            messages.success(request, "It waits for its first beat.")
            return redirect("console:source", slug)
        except BadInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.reason)
    return render(request, "console/heartbeat.html", {"form": form, "source": source}, status=422)


def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Change name, period and grace."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    found = _found(pk)
    initial = {
        "name": found.name,
        "slug": found.slug,
        "period": f"{found.period_s / 60:g}",
        "grace": f"{found.grace_s / 60:g}",
    }
    form = HeartbeatForm(request.POST or None, initial=initial)
    form.fields["slug"].disabled = True
    if request.method == "POST" and form.is_valid():
        try:
            heartbeats.change(found, form.draft(), actor=person)
            messages.success(request, "It is changed.")
            return redirect("console:source", found.source.slug)
        except BadInput as error:
            form.add_error(None, error.sentence)
    context = {"form": form, "source": found.source, "heartbeat": found}
    return render(request, "console/heartbeat.html", context, status=422 if form.errors else 200)


@require_POST
def act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Pause, resume or remove a heartbeat."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    found = _found(pk)
    if what not in ACTS:
        raise NotFound("There is no such thing to do with a heartbeat.")
    ACTS[what](found, person)
    return redirect("console:source", found.source.slug)


Act = Callable[[Heartbeat, Person], None]
ACTS: dict[str, Act] = {
    "pause": lambda item, by: heartbeats.pause(item, actor=by),
    "resume": lambda item, by: heartbeats.resume(item, actor=by),
    "remove": lambda item, by: heartbeats.remove(item, actor=by),
}


def _found(pk: int) -> Heartbeat:
    found = Heartbeat.objects.select_related("source").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such heartbeat.")
    return found
