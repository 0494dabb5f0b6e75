"""A foreign calendar as the source of a schedule: fetched by a timer and read in a worker process.

The calendar fills a layer of its own. What it said in the past stays; a copy that suddenly has nothing in it is not
taken to mean that nobody is on call.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from raglan.core import http, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.oncall import events
from raglan.oncall.holding import hold
from raglan.oncall.models import Booking, CalendarSource, Schedule
from raglan.oncall.notices import tell_owners
from raglan.oncall.reading import NotReadError, as_list, ask_worker, fetch
from raglan.oncall.whom import Whom
from raglan.people import sealing
from raglan.people.models import Person

READ = "oncall.calendar"
EVERY = timedelta(minutes=15)
MAX_PROBLEM = 300


@dataclass(frozen=True, slots=True)
class Shift:
    """A time that a calendar gives to a person."""

    person: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """What a calendar said."""

    shifts: tuple[Shift, ...]
    problems: tuple[str, ...]


@atomic
def set_source(schedule: Schedule, *, url: str, rank: int, actor: timeline.Subject) -> CalendarSource:
    """Let a foreign calendar fill a schedule; an earlier one of it ends. Raises BadInput naming the field.

    What the earlier one said decides until this one was read. The same address and rank are only read again.
    """
    http.check_url(url)
    if len(url) > 2000 or rank not in range(-100, 101):
        raise BadInput("url" if len(url) > 2000 else "rank", "is too long" if len(url) > 2000 else "is out of range")
    hold(schedule.pk)
    at = now()
    before = _open(schedule)
    is_same = before is not None and _address(before) == url
    if before is not None and is_same and before.rank == rank:
        if timers.cancel(READ, subject=timeline.ref(before)):  # else it is read just now
            timers.schedule(READ, subject=timeline.ref(before), due_at=at)
        return before
    kept = _as_stored(before, at) if before is not None else []
    if before is not None:
        _end(before, at, actor)
    host = urlsplit(url).hostname or ""
    source = CalendarSource.objects.create(
        schedule=schedule,
        sealed_url=sealing.seal(url),
        host=host[:255],
        rank=rank,
        created_at=at,
        read_at=before.read_at if before is not None and is_same else None,
    )
    _book(source, [Shift(person, max(low, at), high) for person, low, high in kept], at)
    payload = events.SourceSet(
        source=source.pk,
        schedule=schedule.pk,
        host=source.host,
        rank=rank,
        created_at=at,
        shifts=_as_stored(source, at),
    )
    timeline.append(payload, actor=actor, about=[schedule, source, "oncall", "now"])
    timers.schedule(READ, subject=timeline.ref(source), due_at=at)
    return source


@atomic
def end_source(schedule: Schedule, *, actor: timeline.Subject) -> None:
    """Let the calendar of a schedule fill it no more from now on. Safe to call twice."""
    hold(schedule.pk)
    source = _open(schedule)
    if source is not None:
        _end(source, now(), actor)


def _open(schedule: Schedule) -> CalendarSource | None:
    """Return the calendar that fills a schedule; nothing else changes what it said meanwhile."""
    return CalendarSource.objects.select_for_update(no_key=True).filter(schedule=schedule, ended_at=None).first()


def _address(source: CalendarSource) -> str | None:
    """Return the address of a calendar; None when the key that sealed it is gone."""
    try:
        return sealing.unseal(source.sealed_url)
    except sealing.SealBrokenError:
        return None


def _end(source: CalendarSource, at: datetime, actor: timeline.Subject) -> None:
    CalendarSource.objects.filter(pk=source.pk).update(ended_at=at)
    timers.cancel(READ, subject=timeline.ref(source))
    _book(source, (), at)
    payload = events.SourceEnded(source=source.pk, ended_at=at)
    timeline.append(payload, actor=actor, about=[source.schedule, source, "oncall", "now"])


@timers.handler(READ, network=True)
def read_due(due: timers.Due) -> None:
    """Fetch a calendar and read it, then plan the next time."""
    source = CalendarSource.objects.select_related("schedule").filter(pk=due.subject_id, ended_at__isnull=True).first()
    if source is None:
        return
    at = now()
    try:
        copy = understand(fetch(sealing.unseal(source.sealed_url)), source.schedule.time_zone, at)
    except NotReadError as error:
        keep_last_copy(source, str(error), at)
    else:
        take_copy(source, copy, now())
    with atomic():
        if CalendarSource.objects.filter(pk=source.pk, ended_at__isnull=True).exists():
            timers.schedule(READ, subject=due.subject, due_at=now() + EVERY)


def understand(body: bytes, time_zone: str, at: datetime) -> Copy:
    """Read a calendar in a worker process, and find the people whom it names. Raises NotReadError."""
    answer = ask_worker(body, time_zone, at)
    if "refused" in answer:
        raise NotReadError(str(answer["refused"]))
    problems = [str(line) for line in as_list(answer.get("problems"))]
    whom = Whom(list(Person.objects.filter(is_active=True).order_by("pk")), as_list(answer.get("people")))
    shifts: list[Shift] = []
    for event in as_list(answer.get("events")):
        if not isinstance(event, dict):
            continue
        low, high = datetime.fromisoformat(str(event["start"])), datetime.fromisoformat(str(event["end"]))
        found, unclear = whom.of(event)
        shifts += [Shift(person.pk, low, high) for person in found]
        problems += [f"{str(event['summary'])[:60] or 'an event'}: {words}" for words in unclear]
    return Copy(tuple(shifts), tuple(dict.fromkeys(problems)))


@atomic
def take_copy(source: CalendarSource, copy: Copy, at: datetime) -> None:
    """Let a schedule be as its calendar says, from now on. An empty copy after a full one is only warned about."""
    if not _lock(source):
        return
    was_full = Booking.objects.filter(source=source, ends_at__gt=at).exists()
    if not copy.shifts and was_full:
        keep_last_copy(source, "it suddenly has no shift for anybody known, and what was said before is kept", at)
        return
    problem = "; ".join(copy.problems)[:MAX_PROBLEM]
    changed = _book(source, copy.shifts, at)
    CalendarSource.objects.filter(pk=source.pk).update(tried_at=at, read_at=at, problem=problem)
    if changed or problem != source.problem or source.read_at is None:
        payload = events.CalendarRead(source=source.pk, read_at=at, problem=problem, shifts=_as_stored(source, at))
        timeline.append(payload, about=[source.schedule, source, "oncall", "now"])
    if problem and problem != source.problem:
        _warn(source, problem, at, is_read=True)


@atomic
def keep_last_copy(source: CalendarSource, problem: str, at: datetime) -> None:
    """Keep what a calendar said before, say why, and tell the owners when that is new."""
    problem = problem[:MAX_PROBLEM]
    if not _lock(source):
        return
    CalendarSource.objects.filter(pk=source.pk).update(tried_at=at, problem=problem)
    if problem == source.problem:
        return
    payload = events.CalendarNotRead(source=source.pk, tried_at=at, problem=problem)
    timeline.append(payload, about=[source.schedule, source, "oncall"])
    _warn(source, problem, at, is_read=False)


def _lock(source: CalendarSource) -> bool:
    """Let nobody else change what a calendar said until the transaction ends. Say whether it still fills its rota."""
    source.refresh_from_db(from_queryset=CalendarSource.objects.select_for_update(no_key=True))
    return source.ended_at is None


def _warn(source: CalendarSource, problem: str, at: datetime, *, is_read: bool) -> None:
    text = (
        f"The calendar from {source.host} that fills {source.schedule.name} has a problem: {problem}.\n\n"
        f"{_what_counts(source, at, is_read=is_read)}"
    )
    tell_owners(source.schedule, f"The calendar of {source.schedule.name} has a problem", text)


def _what_counts(source: CalendarSource, at: datetime, *, is_read: bool) -> str:
    """Return in a sentence who is on call by a calendar that has a problem."""
    is_full = Booking.objects.filter(source=source, ends_at__gt=at).exists()
    if is_read:
        return "The rest of it was read and counts." if is_full else "It puts nobody on call."
    if source.read_at is None:
        if is_full:
            return "It was not read yet. What the calendar before it said decides who is on call until it can be read."
        return "It was not read yet and there is no good copy, so it puts nobody on call until it can be read."
    copy = f"The last good copy, of {source.read_at:%Y-%m-%d %H:%M} UTC,"
    return f"{copy} {'decides who is' if is_full else 'puts nobody'} on call until it can be read again."


def _book(source: CalendarSource, shifts: Iterable[Shift], at: datetime) -> bool:
    """Store shifts from an instant on; what was before stays. Say whether anything changed."""
    wanted = {(s.person, max(s.starts_at, at), s.ends_at) for s in shifts if s.ends_at > at}
    drop: list[int] = []
    cut: list[int] = []
    for row in Booking.objects.filter(source=source, ends_at__gt=at):
        key = (row.person_id, max(row.starts_at, at), row.ends_at)
        if key in wanted:
            wanted.discard(key)
        else:
            (cut if row.starts_at < at else drop).append(row.pk)
    Booking.objects.filter(pk__in=drop).delete()
    Booking.objects.filter(pk__in=cut).update(ends_at=at)
    Booking.objects.bulk_create(
        Booking(source=source, schedule_id=source.schedule_id, person_id=person, starts_at=low, ends_at=high)
        for person, low, high in sorted(wanted)
    )
    return bool(drop or cut or wanted)


def _as_stored(source: CalendarSource, at: datetime) -> list[tuple[int, datetime, datetime]]:
    rows = Booking.objects.filter(source=source, ends_at__gt=at).order_by("starts_at", "ends_at", "person_id")
    return list(rows.values_list("person_id", "starts_at", "ends_at"))
