"""Verbs of maintenance windows: plan, change, end. What fires is looked at when one begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from raglan.alerts import events, matchers, noise_queries
from raglan.alerts.holds import review
from raglan.alerts.models import Maintenance
from raglan.alerts.pipeline.route import Matcher
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person

MAINTAIN = "alerts.maintain"
LONGEST_MIN = 14 * 24 * 60
YEARS = range(2000, 2101)


@dataclass(frozen=True, slots=True)
class MaintenanceDraft:
    """A maintenance window as somebody wrote it: wall time in a zone, once or on some days of each week."""

    name: str
    matchers: Sequence[Matcher]
    zone: str
    first: date
    start: time
    minutes: int
    days: Sequence[int] = ()
    last: date | None = None
    reason: str = ""


@atomic
def plan_maintenance(draft: MaintenanceDraft, *, by: Person | None, who: str, actor: timeline.Subject) -> Maintenance:
    """Plan a window in which matching alerts are held back. Raises BadInput."""
    window = Maintenance(who=who[:200], person=by, created_at=now())
    return _save(window, draft, actor)


@atomic
def change_maintenance(
    window: Maintenance, draft: MaintenanceDraft, *, version: int, actor: timeline.Subject
) -> Maintenance:
    """Change a window. Raises BadInput, Conflict."""
    held = Maintenance.objects.filter(pk=window.pk, version=version, ended_at__isnull=True)
    if not held.update(version=version + 1):
        raise Conflict("Somebody changed or ended this window meanwhile.")
    window.refresh_from_db()
    return _save(window, draft, actor)


def _save(window: Maintenance, draft: MaintenanceDraft, actor: timeline.Subject) -> Maintenance:
    check_maintenance(draft)
    window.name, window.matchers = draft.name.strip(), matchers.stored(draft.matchers)
    window.zone, window.first, window.last = draft.zone, draft.first, draft.last
    window.start, window.minutes = draft.start.replace(second=0, microsecond=0), draft.minutes
    window.days, window.reason = sorted(set(draft.days)), draft.reason.strip()
    window.save()
    told = events.MaintenanceChanged(
        maintenance=window.pk,
        name=window.name,
        matchers=window.matchers,
        zone=window.zone,
        first=window.first,
        start=window.start,
        minutes=window.minutes,
        days=window.days,
        last=window.last,
        reason=window.reason,
        who=window.who,
        person=window.person_id,
        version=window.version,
        created_at=window.created_at,
    )
    timeline.append(told, actor=actor, about=[window, "alerts"])
    plan_look(window)
    review()
    return window


@atomic
def end_maintenance(window: Maintenance, *, actor: timeline.Subject) -> Maintenance:
    """End a window and all that would follow; what it held back and still fires pages now. Safe to call twice."""
    at = now()
    if Maintenance.objects.filter(pk=window.pk, ended_at__isnull=True).update(ended_at=at):
        told = events.MaintenanceEnded(maintenance=window.pk, ended_at=at)
        timeline.append(told, actor=actor, about=[window, "alerts"])
        timers.cancel(MAINTAIN, subject=timeline.ref(window))
        review(held_only=True)
    window.refresh_from_db()
    return window


def window_of(draft: MaintenanceDraft) -> Maintenance:
    """Return a window as it would be stored."""
    return Maintenance(
        name=draft.name,
        matchers=matchers.stored(draft.matchers),
        zone=draft.zone,
        first=draft.first,
        start=draft.start.replace(second=0, microsecond=0),
        minutes=draft.minutes,
        days=list(draft.days),
        last=draft.last,
    )


def plan_look(window: Maintenance) -> None:
    """Let what fires be looked at when the window next begins or ends."""
    subject = timeline.ref(window)
    timers.cancel(MAINTAIN, subject=subject)
    coming = noise_queries.maintenance_rule(window).next_change(now())
    if coming is not None:
        timers.schedule(MAINTAIN, subject=subject, due_at=coming)


@timers.handler(MAINTAIN, on_parked=timers.goes_on(timedelta(minutes=1)))
def look(due: timers.Due) -> None:
    """A window begins or ends: look at what fires, and plan the next look."""
    window = Maintenance.objects.filter(pk=due.subject_id, ended_at__isnull=True).first()
    if window is not None:
        plan_look(window)
        review()


def check_maintenance(draft: MaintenanceDraft) -> None:
    """Raise BadInput when a window can not be planned as it is written."""
    if not draft.name.strip() or len(draft.name) > 200:
        raise BadInput("name", "name it, in at most 200 characters", status=422)
    matchers.check_all(draft.matchers)
    try:
        ZoneInfo(draft.zone)
    except (ValueError, OSError, LookupError):
        raise BadInput("zone", "name a time zone such as Europe/Berlin", status=422) from None
    if not 1 <= draft.minutes <= LONGEST_MIN:
        raise BadInput("minutes", "must be from 1 minute to 14 days", status=422)
    if any(day not in range(7) for day in draft.days):
        raise BadInput("days", "days are 0 for Monday to 6 for Sunday", status=422)
    _check_dates(draft)


def _check_dates(draft: MaintenanceDraft) -> None:
    for name, day in (("first", draft.first), ("last", draft.last)):
        if day is not None and day.year not in YEARS:
            raise BadInput(name, "choose a day in this century", status=422)
    if draft.last is not None and draft.last < draft.first:
        raise BadInput("last", "must not be before the first day", status=422)
    if len(draft.reason) > 2_000:
        raise BadInput("reason", "at most 2000 characters", status=422)
    _check_that_it_comes(draft)


def _check_that_it_comes(draft: MaintenanceDraft) -> None:
    if draft.days and draft.last is not None:
        span = min((draft.last - draft.first).days + 1, 7)
        if not any((draft.first + timedelta(days=day)).weekday() in draft.days for day in range(span)):
            raise BadInput("days", "none of these days lies between the first and the last", status=422)
    if next(noise_queries.maintenance_rule(window_of(draft)).windows(now()), None) is None:
        raise BadInput("last" if draft.days else "first", "this would be over already; choose a later day", status=422)
