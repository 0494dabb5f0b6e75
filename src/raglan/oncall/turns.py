"""Turns on the wall clock, and the windows in which a layer works. Pure.

Turns of hours, days, weeks and months follow the wall clock of the rotation's zone. A monthly turn that is anchored on
the 29th to 31st is clamped to the last day of a short month and returns to its anchor. With a set of weekdays, each of
them is a handoff. A window belongs to the day on which it starts; an end at or before its start means the next day.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.oncall.wall import first_instant

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
FAR = datetime(2300, 1, 1, tzinfo=UTC)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)

MOST = {"hours": 24 * 7, "days": 366, "weeks": 52, "months": 12, "weekdays": 1}  # how many of each a turn may have

Participant = int | tuple[int, ...]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Window:
    """A time of day, on some weekdays, at which a layer works. `ends` at or before `starts` is on the next day."""

    starts: time
    ends: time
    weekdays: tuple[int, ...] = EVERY_DAY

    def span(self, day: date, zone: ZoneInfo) -> Span:
        """Return the instants between which it is open when it starts on a day; empty where a clock skips all of it."""
        last = day + DAY if self.ends <= self.starts else day
        low, high = datetime.combine(day, self.starts), datetime.combine(last, self.ends)
        return first_instant(low, zone), first_instant(high, zone)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A turn order: each turn is `length` long on the wall clock, be it weeks, days or hours.

    The first participant is on call at the first handoff: on `starts_on`, or the first `handoff_weekday` (Monday is 0)
    after it. The rotation decides from then, but not before `effective_from`, until the next rotation of its layer
    starts or it ends. A participant may be a group. `months` makes turns of months; `weekdays` hands over on each of
    these days. With `active_days`, turns of days pass only on days on which a window starts.
    """

    participants: tuple[Participant, ...]
    starts_on: date
    handoff_time: time
    time_zone: str
    handoff_weekday: int | None = None
    length: timedelta = WEEK
    effective_from: datetime | None = None
    id: int = 0
    months: int = 0
    weekdays: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ()
    active_days: bool = False
    ends_at: datetime | None = None
    layer: int = 0
    rank: int = 0

    def counted(self) -> tuple[tuple[int, ...], int]:
        """Return the weekdays on which turns can begin, and how many such days a turn has; none if all days count."""
        if self.weekdays:
            return tuple(sorted(set(self.weekdays))), 1
        by_day = self.active_days and self.handoff_weekday is None and not self.months and self.length >= DAY
        worked = {day for window in self.windows for day in window.weekdays} if by_day else set()
        return tuple(sorted(worked)), self.length // DAY if worked else 0

    def first_day(self) -> date:
        """Return the day of the first handoff."""
        days = self.counted()[0] or (() if self.handoff_weekday is None else (self.handoff_weekday,))
        if not days or self.months:
            return self.starts_on
        return self.starts_on + min((day - self.starts_on.weekday()) % 7 for day in days) * DAY

    def wall(self, turn: int) -> datetime:
        """Return what the wall clock shows when a turn begins."""
        first = self.first_day()
        if self.months:
            return datetime.combine(months_after(first, turn * self.months), self.handoff_time)
        days, stride = self.counted()
        if not days:
            return datetime.combine(first, self.handoff_time) + turn * self.length
        weeks, place = divmod(turn * stride, len(days))
        offsets = sorted((day - first.weekday()) % 7 for day in days)
        return datetime.combine(first, self.handoff_time) + weeks * WEEK + offsets[place] * DAY

    def handoff(self, turn: int) -> datetime:
        """Return the instant at which a turn begins."""
        return first_instant(self.wall(turn), ZoneInfo(self.time_zone))

    def begins(self) -> datetime:
        """Return the instant from which this rotation decides."""
        first = self.handoff(0)
        return max(first, self.effective_from) if self.effective_from else first

    def turn_at(self, at: datetime) -> int:
        """Return the number of the turn that covers an instant; negative before the first."""
        turn = self._turn_near(at.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None))
        while self.handoff(turn + 1) <= at:
            turn += 1
        while self.handoff(turn) > at:
            turn -= 1
        return turn

    def _turn_near(self, local: datetime) -> int:
        first = self.wall(0)
        if self.months:
            return ((local.year - first.year) * 12 + local.month - first.month) // self.months
        days, stride = self.counted()
        if days:
            return (local - first) // WEEK * len(days) // stride
        return (local - first) // self.length

    def people(self, turn: int) -> tuple[int, ...]:
        """Return whose turn it is."""
        if not self.participants:
            return ()
        one = self.participants[turn % len(self.participants)]
        return (one,) if isinstance(one, int) else one

    def groups(self) -> set[tuple[int, ...]]:
        """Return the different participants, each as a group."""
        return {self.people(turn) for turn in range(len(self.participants))}


@dataclass(frozen=True, slots=True)
class Work:
    """What one layer does in a time; without people it is idle."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[int, ...]
    layer: int = 0
    rank: int = 0


def months_after(anchor: date, months: int) -> date:
    """Return the day some months after an anchor, clamped to the last day of a short month."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def open_spans(rotation: Rotation, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the times in which a layer works, in order and joined; the first may begin before `start`."""
    if not rotation.windows:
        yield start, end
        return
    last: Span | None = None
    for low, high in _windows(rotation, start, end):
        if high <= start or high <= low:
            continue
        if last and low <= last[1]:
            last = last[0], max(last[1], high)
            continue
        if last:
            yield last
        last = low, high
    if last:
        yield last


def _windows(rotation: Rotation, start: datetime, end: datetime) -> Iterator[Span]:
    zone = ZoneInfo(rotation.time_zone)
    day = start.astimezone(zone).date() - 2 * DAY
    while True:
        spans = sorted(window.span(day, zone) for window in rotation.windows if day.weekday() in window.weekdays)
        for low, high in spans:
            if low >= end:
                return
            yield low, high
        if not spans and first_instant(datetime.combine(day, time.min), zone) >= end:
            return
        day += DAY


def turns_of(rotation: Rotation, at: datetime, stop: datetime) -> Iterator[Work]:
    """Yield the turns between two instants, as if the layer worked always."""
    if len(rotation.groups()) < 2:
        yield Work(at, stop, rotation.people(0), rotation.layer, rotation.rank)
        return
    turn = rotation.turn_at(at)
    while at < stop:
        until = min(stop, rotation.handoff(turn + 1))
        if until > at:
            yield Work(at, until, rotation.people(turn), rotation.layer, rotation.rank)
        at, turn = until, turn + 1


def work_of(rotation: Rotation, at: datetime, stop: datetime) -> Iterator[Work]:
    """Yield what a rotation does between two instants, idle times included."""
    spans = open_spans(rotation, at, stop)
    span = next(spans, None)
    for turn in turns_of(rotation, at, stop):
        low = turn.starts_at
        while low < turn.ends_at:
            while span and span[1] <= low:
                span = next(spans, None)
            is_open = span is not None and span[0] <= low
            edge = (span[1] if is_open else span[0]) if span else turn.ends_at
            high = min(edge, turn.ends_at)
            yield Work(low, high, turn.people if is_open else (), turn.layer, turn.rank)
            low = high
