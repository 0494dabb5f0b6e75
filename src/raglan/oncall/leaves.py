"""When people are away, and which of their shifts fall into it. It warns; nobody's shift ever moves by it.

Why somebody is away is never kept: of a calendar's events only the times are stored.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from raglan.core import http, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import YEARS
from raglan.core.errors import BadInput, NotFound
from raglan.oncall import events
from raglan.oncall.models import Leave, LeaveCalendar
from raglan.oncall.notices import tell
from raglan.oncall.queries import NamedShift
from raglan.oncall.reading import NotReadError, as_list, ask_worker, fetch
from raglan.oncall.sources import MAX_PROBLEM
from raglan.people import sealing
from raglan.people.middleware import zone_of
from raglan.people.models import Person

READ = "oncall.leave"
EVERY = timedelta(hours=1)
LONGEST = timedelta(days=400)
MOST = 200  # times that somebody names by hand
PATH = "/on-call/calendars/leave/"
Span = tuple[datetime, datetime]
Away = dict[Person, list[Span]]


@dataclass(frozen=True, slots=True)
class Clash:
    """A time at which somebody is on call and away."""

    person: Person
    starts_at: datetime
    ends_at: datetime


@atomic
def name_leave(person: Person, starts_at: datetime, ends_at: datetime, *, actor: timeline.Subject) -> Leave:
    """Keep that somebody is away at a time. Safe to call twice. Raises BadInput naming the field."""
    check_times(starts_at, ends_at)
    same = Leave.objects.filter(person=person, calendar=None, starts_at=starts_at, ends_at=ends_at).first()
    if same is not None:
        return same
    at = now()
    if Leave.objects.filter(person=person, calendar=None, ends_at__gt=at).count() >= MOST:
        raise BadInput("starts_at", f"{MOST} times are enough; take one back first")
    leave = Leave.objects.create(person=person, starts_at=starts_at, ends_at=ends_at, created_at=at)
    payload = events.LeaveNamed(leave=leave.pk, person=person.pk, starts_at=starts_at, ends_at=ends_at, created_at=at)
    timeline.append(payload, actor=actor, about=[person, leave, "oncall"])
    return leave


def check_times(starts_at: datetime, ends_at: datetime) -> None:
    """Raise BadInput unless a time has a length, is not over, and is no longer than a year or so."""
    if ends_at <= starts_at:
        raise BadInput("ends_at", "must be after the start")
    if ends_at <= now():
        raise BadInput("ends_at", "is over already")
    if ends_at - starts_at > LONGEST:
        raise BadInput("ends_at", f"is more than {LONGEST.days} days after the start")
    if starts_at.year not in YEARS or ends_at.year not in YEARS:
        raise BadInput("starts_at", f"the year must be from {YEARS.start} to {YEARS.stop - 1}")


@atomic
def take_back(leave: Leave, *, actor: timeline.Subject) -> None:
    """Let a time not be leave: from now on if it has begun, else as if it had not been named. Safe to call twice."""
    at = now()
    open_ = Leave.objects.filter(pk=leave.pk, calendar=None, ends_at__gt=at)
    has_begun = open_.filter(starts_at__lt=at).update(ends_at=at)
    if not has_begun and not open_.delete()[0]:
        return
    payload = events.LeaveTakenBack(leave=leave.pk, ends_at=at if has_begun else None)
    timeline.append(payload, actor=actor, about=[leave.person, leave, "oncall"])


def own(person: Person, pk: int) -> Leave:
    """Return a time that somebody named by hand. Raises NotFound."""
    found = Leave.objects.select_related("person").filter(pk=pk, person=person, calendar=None).first()
    if found is None:
        raise NotFound("There is no such leave of yours.")
    return found


def coming(person: Person) -> list[Leave]:
    """Return the times of somebody's leave that are not over."""
    rows = Leave.objects.filter(person=person, ends_at__gt=now()).select_related("calendar")
    return list(rows.order_by("starts_at", "pk")[:MOST])


def calendar_of(person: Person) -> LeaveCalendar | None:
    """Return the calendar that says when somebody is away, if there is one."""
    return LeaveCalendar.objects.filter(person=person, ended_at__isnull=True).first()


@atomic
def set_calendar(person: Person, *, url: str, actor: timeline.Subject) -> LeaveCalendar:
    """Let a foreign calendar say when somebody is away; an earlier one ends. Raises BadInput naming the field."""
    http.check_url(url)
    if len(url) > 2000:
        raise BadInput("url", "is too long")
    end_calendar(person, actor=actor)
    at, host = now(), (urlsplit(url).hostname or "")[:255]
    row = LeaveCalendar.objects.create(person=person, sealed_url=sealing.seal(url), host=host, created_at=at)
    payload = events.LeaveCalendarSet(leave_calendar=row.pk, person=person.pk, host=host, created_at=at)
    timeline.append(payload, actor=actor, about=[person, row, "oncall"])
    timers.schedule(READ, subject=timeline.ref(row), due_at=at)
    return row


@atomic
def end_calendar(person: Person, *, actor: timeline.Subject) -> None:
    """Let a calendar say nothing more about somebody's leave. Safe to call twice."""
    at, row = now(), calendar_of(person)
    if row is None or not LeaveCalendar.objects.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=at):
        return
    timers.cancel(READ, subject=timeline.ref(row))
    _keep(row, (), at)
    payload = events.LeaveCalendarEnded(leave_calendar=row.pk, ended_at=at)
    timeline.append(payload, actor=actor, about=[person, row, "oncall"])


@timers.handler(READ, network=True)
def read_due(due: timers.Due) -> None:
    """Fetch a leave calendar and read it, then plan the next time."""
    live = LeaveCalendar.objects.filter(pk=due.subject_id, ended_at__isnull=True, person__is_active=True)
    row = live.select_related("person").first()
    if row is None:
        return
    at = now()
    try:
        times, left_out = _understand(fetch(sealing.unseal(row.sealed_url)), zone_of(row.person).key, at)
    except NotReadError as error:
        keep_last_copy(row, str(error), at)
    else:
        take_copy(row, times, f"{left_out} of its events could not be used" if left_out else "", now())
    with atomic():
        if live.exists():
            timers.schedule(READ, subject=due.subject, due_at=now() + EVERY)


def _understand(body: bytes, time_zone: str, at: datetime) -> tuple[list[Span], int]:
    """Return the times of a calendar's events and how many can not be used; titles stay behind. Raises NotReadError."""
    answer = ask_worker(body, time_zone, at)
    if "refused" in answer:
        raise NotReadError(str(answer["refused"]).partition(":")[0])  # what follows may quote the calendar
    spans = [
        (datetime.fromisoformat(str(event["start"])), datetime.fromisoformat(str(event["end"])))
        for event in as_list(answer.get("events"))
        if isinstance(event, dict)
    ]
    return joined(spans), len(as_list(answer.get("problems")))


@atomic
def take_copy(row: LeaveCalendar, times: Iterable[Span], problem: str, at: datetime) -> None:
    """Let somebody be away as their calendar says, from now on."""
    row.refresh_from_db()
    if row.ended_at is not None:
        return
    changed = _keep(row, times, at)
    LeaveCalendar.objects.filter(pk=row.pk).update(tried_at=at, read_at=at, problem=problem)
    if changed or problem != row.problem or row.read_at is None:
        stored = Leave.objects.filter(calendar=row, ends_at__gt=at).order_by("starts_at", "ends_at")
        payload = events.LeaveCalendarRead(
            leave_calendar=row.pk, read_at=at, problem=problem, times=list(stored.values_list("starts_at", "ends_at"))
        )
        timeline.append(payload, about=[row.person, row, "oncall"])


@atomic
def keep_last_copy(row: LeaveCalendar, problem: str, at: datetime) -> None:
    """Keep what a calendar said before, say why, and tell the person when that is new."""
    problem = problem[:MAX_PROBLEM]
    row.refresh_from_db()
    if row.ended_at is not None:
        return
    LeaveCalendar.objects.filter(pk=row.pk).update(tried_at=at, problem=problem)
    if problem == row.problem:
        return
    payload = events.LeaveCalendarNotRead(leave_calendar=row.pk, tried_at=at, problem=problem)
    timeline.append(payload, about=[row.person, row, "oncall"])
    text = f"Your leave calendar from {row.host} could not be read: {problem}.\n\nThe last good copy stays."
    tell(row.person, "Your leave calendar could not be read", text, about=row, path=PATH)


def _keep(row: LeaveCalendar, times: Iterable[Span], at: datetime) -> bool:
    """Store times from an instant on; what was before stays. Say whether anything changed."""
    wanted = {(max(low, at), high) for low, high in times if high > at}
    drop: list[int] = []
    cut: list[int] = []
    for leave in Leave.objects.filter(calendar=row, ends_at__gt=at):
        key = (max(leave.starts_at, at), leave.ends_at)
        if key in wanted:
            wanted.discard(key)
        else:
            (cut if leave.starts_at < at else drop).append(leave.pk)
    Leave.objects.filter(pk__in=drop).delete()
    Leave.objects.filter(pk__in=cut).update(ends_at=at)
    Leave.objects.bulk_create(
        Leave(person_id=row.person_id, calendar=row, starts_at=low, ends_at=high, created_at=at)
        for low, high in sorted(wanted)
    )
    return bool(drop or cut or wanted)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return times in order, those that touch as one."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def away(people: Collection[int]) -> Away:
    """Return when some people are away from now on, each time once and in order."""
    rows = Leave.objects.filter(person__in=people, ends_at__gt=now(), person__is_active=True)
    found: Away = {}
    for leave in rows.select_related("person"):
        found.setdefault(leave.person, []).append((leave.starts_at, leave.ends_at))
    return {person: joined(spans) for person, spans in found.items()}


def away_in(rows: Iterable[Iterable[NamedShift]]) -> Away:
    """Return when those who have some shifts are away from now on."""
    return away({person.pk for shifts in rows for shift in shifts for person in shift.people})


def clashes(shifts: Iterable[NamedShift], known: Away, until: datetime) -> list[Clash]:
    """Return the times before an instant at which somebody is on call and away; the first is cut at now."""
    turns: dict[Person, list[Span]] = {}
    for shift in shifts:
        for person in shift.people:
            turns.setdefault(person, []).append((shift.starts_at, shift.ends_at))
    found = [clash for person, spans in turns.items() for clash in clashes_of(person, spans, known.get(person, ()))]
    at = now()
    coming_ = [replace(clash, starts_at=max(clash.starts_at, at)) for clash in found if clash.starts_at < until]
    return sorted(coming_, key=lambda clash: (clash.starts_at, clash.person.name, clash.person.pk))


def clashes_of(person: Person, turns: Iterable[Span], leave: Sequence[Span]) -> list[Clash]:
    """Return the times that are not over at which somebody is on call and away; `leave` is joined."""
    found: list[Clash] = []
    place, at = 0, now()
    for low, high in joined(turns) if leave else ():
        while place < len(leave) and leave[place][1] <= low:
            place += 1
        one = place
        while one < len(leave) and leave[one][0] < high:
            clash = Clash(person, max(low, leave[one][0]), min(high, leave[one][1]))
            found += [clash] if clash.ends_at > at else []
            one += 1
    return found
