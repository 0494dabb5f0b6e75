"""Screens of maintenance windows: when matching alerts are expected and page nobody."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.alerts import actions, dry_run, matchers, noise_queries
from raglan.alerts.forms import MaintenanceForm, maintenance_initial
from raglan.alerts.models import Maintenance
from raglan.alerts.pipeline.maintain import MaintenanceRule
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.people.access import Scope, needs, reader

SHOWN = 5
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Row:
    """A maintenance window in words, with its next occurrences."""

    window: Maintenance
    words: list[str]
    repeats: str
    coming: list[str]
    is_open: bool


def _row(window: Maintenance) -> Row:
    rule = noise_queries.maintenance_rule(window)
    words = [str(matcher) for matcher in matchers.read(window.matchers)]
    repeats = f"each {', '.join(DAYS[day] for day in window.days)}" if window.days else "once"
    return Row(window, words, repeats, occurrences(rule), rule.window(now()) is not None)


def occurrences(rule: MaintenanceRule) -> list[str]:
    """Say when a window opens next, on the wall clock of its zone, with the offset where that changes."""
    zone = ZoneInfo(rule.zone)
    return [_span(start.astimezone(zone), end.astimezone(zone)) for start, end in islice(rule.windows(now()), SHOWN)]


def _span(start: datetime, end: datetime) -> str:
    last = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%a %d %b %H:%M}"
    changes = "" if start.utcoffset() == end.utcoffset() else "; clocks change in it"
    return f"{start:%a %d %b %Y %H:%M} to {last} (UTC{start:%z}{changes})"


@require_GET
def maintenances(request: HttpRequest) -> HttpResponse:
    """All windows that are planned."""
    rows = [_row(window) for window in noise_queries.maintenances()]
    return render(request, "alerts/maintenances.html", {"rows": rows, "may": reader(request).may_respond})


@form_methods
@needs(Scope.RESPOND)
def new_maintenance(request: HttpRequest) -> HttpResponse:
    """Plan a window: look when it opens, then plan it."""
    person = reader(request)
    today = now().astimezone(ZoneInfo(person.time_zone)).date()
    form = MaintenanceForm(request.POST or None, initial={"zone": person.time_zone, "first": today})
    look = _look(request, form)
    if look is not None and request.POST.get("do") == "save":
        actions.plan_maintenance(form.draft(), by=person, who=person.name, actor=person)
        messages.success(request, "The maintenance is planned.")
        return redirect("alerts:maintenances")
    return _form(request, form, look, None)


@form_methods
@needs(Scope.RESPOND)
def maintenance(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a window that was not ended."""
    found = noise_queries.maintenance(pk)
    written = None if request.POST.get("do") == "without" else request.POST or None
    form = MaintenanceForm(written, initial=maintenance_initial(found))
    look = _look(request, form)
    if look is not None and request.POST.get("do") == "save":
        version = form.cleaned_data["seen_version"] or 0
        try:
            actions.change_maintenance(found, form.draft(), version=version, actor=reader(request))
        except Conflict as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "The maintenance is changed.")
            return redirect("alerts:maintenances")
    return _form(request, form, look, found)


@require_POST
@needs(Scope.RESPOND)
def end_maintenance(request: HttpRequest, pk: int) -> HttpResponse:
    """End a window, with all that would follow."""
    actions.end_maintenance(noise_queries.maintenance(pk), actor=reader(request))
    messages.success(request, "The maintenance is over. What it held back and still fires pages now.")
    return redirect("alerts:maintenances")


def _look(request: HttpRequest, form: MaintenanceForm) -> list[str] | None:
    """Return when a window as written opens; None when it can not be planned."""
    if request.method != "POST" or not form.is_bound or not form.is_valid():
        return None
    draft = form.draft()
    try:
        actions.check_maintenance(draft)
    except BadInput as error:
        form.place(error)
        return None
    return occurrences(noise_queries.maintenance_rule(form.window()))


def _trial(
    request: HttpRequest, form: MaintenanceForm, look: list[str] | None, found: Maintenance | None
) -> dry_run.DryRun | None:
    """Say who would have been paged otherwise: with the window as it is written, or without the one that is there."""
    pk = found.pk if found else None
    if request.method == "POST" and request.POST.get("do") == "without":
        return dry_run.dry_run(dry_run.with_maintenance(None, pk))
    if look is None or request.POST.get("do") == "save":
        return None
    return dry_run.dry_run(dry_run.with_maintenance(noise_queries.maintenance_rule(form.window()), pk))


def _form(
    request: HttpRequest, form: MaintenanceForm, look: list[str] | None, found: Maintenance | None
) -> HttpResponse:
    hits = noise_queries.hits(form.cleaned_data["matchers"]) if look is not None else None
    trial = _trial(request, form, look, found)
    context = {"form": form, "look": look, "hits": hits, "window": found, "trial": trial}
    return render(request, "alerts/maintenance.html", context, status=422 if form.errors else 200)
