"""A foreign calendar as the source of a schedule: fetched by a timer and read in a worker process.

The calendar fills a layer of its own. What it said in the past stays; a copy that suddenly has nothing in it is not
taken to mean that nobody is on call.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from subprocess import DEVNULL, PIPE
from urllib.parse import urlsplit

from raglan.core import http, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, DeliveryError
from raglan.oncall import events
from raglan.oncall.models import Booking, CalendarSource, Schedule
from raglan.oncall.notices import tell_owners
from raglan.people import sealing
from raglan.people.models import Person

READ = "oncall.calendar"
EVERY = timedelta(minutes=15)
AHEAD = timedelta(days=190)
WORKER_S = 20
MAX_WORKER_ANSWER = 4 * 1024 * 1024
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


class NotReadError(Exception):
    """A calendar could not be fetched or understood."""


@atomic
def set_source(schedule: Schedule, *, url: str, rank: int, actor: timeline.Subject) -> CalendarSource:
    """Let a foreign calendar fill a schedule; an earlier one of it ends. Raises BadInput naming the field."""
    http.check_url(url)
    if len(url) > 2000 or rank not in range(-100, 101):
        raise BadInput("url" if len(url) > 2000 else "rank", "is too long" if len(url) > 2000 else "is out of range")
    end_source(schedule, actor=actor)
    at = now()
    host = urlsplit(url).hostname or ""
    source = CalendarSource.objects.create(
        schedule=schedule, sealed_url=sealing.seal(url), host=host[:255], rank=rank, created_at=at
    )
    payload = events.SourceSet(source=source.pk, schedule=schedule.pk, host=source.host, rank=rank, created_at=at)
    timeline.append(payload, actor=actor, about=[schedule, source, "oncall", "now"])
    timers.schedule(READ, subject=timeline.ref(source), due_at=at)
    return source


@atomic
def end_source(schedule: Schedule, *, actor: timeline.Subject) -> None:
    """Let the calendar of a schedule fill it no more from now on. Safe to call twice."""
    at = now()
    source = CalendarSource.objects.filter(schedule=schedule, ended_at__isnull=True).first()
    if source is None or not CalendarSource.objects.filter(pk=source.pk, ended_at__isnull=True).update(ended_at=at):
        return
    timers.cancel(READ, subject=timeline.ref(source))
    _book(source, (), at)
    payload = events.SourceEnded(source=source.pk, ended_at=at)
    timeline.append(payload, actor=actor, about=[schedule, source, "oncall", "now"])


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


def fetch(url: str) -> bytes:
    """Return what stands at an address. Raises NotReadError."""
    try:
        answer = http.get(url, {"Accept": "text/calendar, */*;q=0.1"})
    except DeliveryError as error:
        raise NotReadError(str(error)) from None
    if answer.status != 200:
        where = (
            f" and points to {urlsplit(answer.headers.get('location', '')).hostname}"
            if 300 <= answer.status < 400
            else ""
        )
        raise NotReadError(f"it answered with {answer.status}{where}")
    if len(answer.body) >= http.MAX_ANSWER:
        raise NotReadError("it is larger than 5 MiB")
    return answer.body


def understand(body: bytes, time_zone: str, at: datetime) -> Copy:
    """Read a calendar in a worker process, and find the people whom it names. Raises NotReadError."""
    answer = ask_worker(body, time_zone, at)
    if "refused" in answer:
        raise NotReadError(str(answer["refused"]))
    problems = [str(line) for line in as_list(answer.get("problems"))]
    people, named = list(Person.objects.filter(is_active=True)), as_list(answer.get("people"))
    shifts: list[Shift] = []
    for event in as_list(answer.get("events")):
        if not isinstance(event, dict):
            continue
        low, high = datetime.fromisoformat(str(event["start"])), datetime.fromisoformat(str(event["end"]))
        found = _people(event, named, people)
        shifts += [Shift(person.pk, low, high) for person in found]
        if not found:
            problems.append(f"{str(event['summary'])[:60] or 'an event'}: names nobody who is known here")
    return Copy(tuple(shifts), tuple(dict.fromkeys(problems)))


def ask_worker(body: bytes, time_zone: str, at: datetime) -> dict[str, object]:
    """Return the events of a calendar in the coming months, as a process of its own reads them. Raises NotReadError."""
    span = {"zone": time_zone, "start": at.isoformat(), "end": (at + AHEAD).isoformat()}
    command = [sys.executable, "-m", "raglan.oncall.ical_worker"]
    said = run_bounded(command, json.dumps(span).encode() + b"\n" + body, seconds=WORKER_S, most=MAX_WORKER_ANSWER)
    try:
        answer = json.loads(said)
    except ValueError:
        raise NotReadError("reading it took too much time or memory") from None
    if not isinstance(answer, dict):
        raise NotReadError("reading it gave nothing")
    return answer


def run_bounded(command: Sequence[str], text: bytes, *, seconds: float, most: int) -> bytes:
    """Return what a program answers that reads all before it writes. Raises NotReadError beyond a limit.

    Not more than `most` bytes are ever taken from it, so that it can not fill our memory.
    """
    is_late = threading.Event()
    with _started(command) as worker:
        cut = threading.Timer(seconds, _cut, (worker, is_late))
        cut.start()
        try:
            assert worker.stdin is not None
            assert worker.stdout is not None
            with suppress(BrokenPipeError), worker.stdin:
                worker.stdin.write(text)
            said = worker.stdout.read(most + 1)
        finally:
            cut.cancel()
            worker.kill()
    if is_late.is_set():
        raise NotReadError("reading it takes too long")
    if len(said) > most:
        raise NotReadError(f"what it says is larger than {most // 1024 // 1024} MiB")
    return said


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        raise NotReadError("nothing here could read it") from None


def _cut(worker: subprocess.Popen[bytes], is_late: threading.Event) -> None:
    is_late.set()
    worker.kill()


def as_list(value: object) -> list[object]:
    """Return a list as it came from the worker; anything else is an empty one."""
    return value if isinstance(value, list) else []


def _people(event: dict[str, object], named: list[object], people: Sequence[Person]) -> list[Person]:
    """Return whom an event names: its attendees, else its title, else its organizer."""
    for field in ("ATTENDEE", "", "ORGANIZER"):
        pairs = _pairs(named, event.get(field))
        mails, names = {mail for mail, _ in pairs}, {name.casefold() for _, name in pairs if name}
        title = "" if field else str(event.get("summary", "")).casefold()
        found = [
            person
            for person in people
            if person.email.lower() in mails or person.name.casefold() in names or (title and _stands_in(person, title))
        ]
        if found:
            return found
    return []


def _pairs(named: list[object], numbers: object) -> list[tuple[str, str]]:
    """Return mail address and name for the numbers that an event has."""
    known = range(len(named))
    found = [as_list(named[one]) for one in as_list(numbers) if isinstance(one, int) and one in known]
    return [(str(one[0]), str(one[1])) for one in found if len(one) == 2]


def _stands_in(person: Person, title: str) -> bool:
    """Say whether a title names a person by whole name or mail address, and not as a part of a longer word."""
    for word in (person.name.casefold(), person.email.lower()):
        before, found, after = title.partition(word)
        if found and not before[-1:].isalnum() and not after[:1].isalnum():
            return True
    return False


@atomic
def take_copy(source: CalendarSource, copy: Copy, at: datetime) -> None:
    """Let a schedule be as its calendar says, from now on. An empty copy after a full one is only warned about."""
    source.refresh_from_db()
    if source.ended_at is not None:
        return
    was_full = Booking.objects.filter(source=source, ends_at__gt=at).exists()
    if not copy.shifts and was_full:
        keep_last_copy(source, "it suddenly has no shift for anybody known; the last good copy is kept", at)
        return
    problem = "; ".join(copy.problems)[:MAX_PROBLEM]
    changed = _book(source, copy.shifts, at)
    CalendarSource.objects.filter(pk=source.pk).update(tried_at=at, read_at=at, problem=problem)
    if changed or problem != source.problem or source.read_at is None:
        payload = events.CalendarRead(source=source.pk, read_at=at, problem=problem, shifts=_as_stored(source, at))
        timeline.append(payload, about=[source.schedule, source, "oncall", "now"])
    if problem and problem != source.problem:
        _warn(source, problem)


@atomic
def keep_last_copy(source: CalendarSource, problem: str, at: datetime) -> None:
    """Keep what a calendar said before, say why, and tell the owners when that is new."""
    problem = problem[:MAX_PROBLEM]
    source.refresh_from_db()
    CalendarSource.objects.filter(pk=source.pk).update(tried_at=at, problem=problem)
    if problem == source.problem:
        return
    payload = events.CalendarNotRead(source=source.pk, tried_at=at, problem=problem)
    timeline.append(payload, about=[source.schedule, source, "oncall"])
    _warn(source, problem)


def _warn(source: CalendarSource, problem: str) -> None:
    since = f" since {source.read_at:%Y-%m-%d %H:%M} UTC" if source.read_at else ""
    text = (
        f"The calendar from {source.host} that fills {source.schedule.name} has a problem: {problem}.\n\n"
        f"The last good copy{since} decides who is on call until it can be read again."
    )
    tell_owners(source.schedule, f"The calendar of {source.schedule.name} has a problem", text)


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
