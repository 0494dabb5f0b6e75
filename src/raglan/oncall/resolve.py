"""Who is on call: pure arithmetic, apart from storage.

The rules. Intervals are half open. Turns follow the wall clock of the schedule's zone. A handoff happens the first time that the wall
clock reaches or passes it: in an hour that a clock change skips, at the first valid instant after it; in an hour that happens twice, at the
first of the two; where midnight is missing, at the day's real beginning; on a day that a country skips, at the start of the next. The past
never changes: a changed rotation counts from its own start on. Of overrides that cover an instant, the one made last wins.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MAX_SPAN = timedelta(days=400)
FAR = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns of `weeks` weeks that pass on at a weekday (Monday is 0) and wall-clock time.

    The first participant is on call at the first handoff on or after `starts_on`. Valid from then until the next rotation's start.
    """

    id: int
    participants: tuple[int, ...]
    starts_on: date
    handoff_weekday: int
    handoff_time: time
    weeks: int = 1

    def first_day(self) -> date:
        """Return the day of the first handoff."""
        return self.starts_on + timedelta(days=(self.handoff_weekday - self.starts_on.weekday()) % 7)


@dataclass(frozen=True, slots=True)
class Override:
    """A person takes a time in place of the rotation."""

    id: int
    person: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that decides who is on call."""

    time_zone: str
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's turn, or a gap when `person` is None. `override` names the override that it comes from."""

    starts_at: datetime
    ends_at: datetime
    person: int | None
    override: int | None = None

    @property
    def is_gap(self) -> bool:
        """Whether nobody is on call."""
        return self.person is None


@dataclass(frozen=True, slots=True)
class OnCall:
    """The answer at an instant: who, since and until when, and why."""

    person: int | None
    since: datetime
    until: datetime
    why: str


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the wall clock of a zone reaches or passes a time of a day."""
    wall = datetime.combine(day, at)
    first, second = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall:
        return first.astimezone(UTC)  # it exists; fold 0 is the first of two
    # The wall clock jumps over it: the answer is the instant of the jump. Fold 1 reads it with the offset after the jump, which is
    # before the jump in real time; fold 0 lies after it.
    low, high = second.astimezone(UTC), first.astimezone(UTC)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _handoff(rotation: Rotation, turn: int, zone: ZoneInfo) -> datetime:
    return instant(rotation.first_day() + timedelta(weeks=turn * rotation.weeks), rotation.handoff_time, zone)


def _turn_at(rotation: Rotation, at: datetime, zone: ZoneInfo) -> int:
    """Return the number of the turn that covers an instant; negative before the first."""
    local_day = at.astimezone(zone).date()
    turn = (local_day - rotation.first_day()).days // (7 * rotation.weeks)
    while _handoff(rotation, turn + 1, zone) <= at:
        turn += 1
    while _handoff(rotation, turn, zone) > at:
        turn -= 1
    return turn


@dataclass(frozen=True, slots=True)
class _Reign:
    """A rotation with the time in which it decides."""

    rotation: Rotation
    starts_at: datetime
    ends_at: datetime


def _reigns(schedule: Schedule, zone: ZoneInfo) -> list[_Reign]:
    starts = sorted((_handoff(rotation, 0, zone), rotation.id, rotation) for rotation in schedule.rotations)
    ends = [start for start, _, _ in starts[1:]] + [FAR]
    return [_Reign(rotation, start, end) for (start, _, rotation), end in zip(starts, ends, strict=True) if start < end]


def _base(schedule: Schedule, start: datetime, end: datetime) -> Iterator[Shift]:
    """Yield the turns of the rotations between two instants, without overrides; times without one are gaps."""
    zone = ZoneInfo(schedule.time_zone)
    at = start
    for reign in _reigns(schedule, zone):
        if reign.ends_at <= at or reign.starts_at >= end:
            continue
        if reign.starts_at > at:
            yield Shift(at, reign.starts_at, None)
            at = reign.starts_at
        stop = min(end, reign.ends_at)
        turn = _turn_at(reign.rotation, at, zone)
        while at < stop:
            until = min(stop, _handoff(reign.rotation, turn + 1, zone))
            people = reign.rotation.participants
            if until > at:
                yield Shift(at, until, people[turn % len(people)] if people else None)
            at, turn = max(at, until), turn + 1
    if at < end:
        yield Shift(at, end, None)


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Shift]:
    """Return who is on call from `start` to `end`: shifts and gaps without overlap that cover the whole time."""
    if end <= start:
        return []
    end = min(end, start + MAX_SPAN)
    pieces = list(_base(schedule, start, end))
    for override in sorted(schedule.overrides, key=lambda item: item.id):
        pieces = list(_laid_over(pieces, override))
    return merge(pieces)


def _laid_over(pieces: Iterable[Shift], over: Override) -> Iterator[Shift]:
    for piece in pieces:
        if over.ends_at <= piece.starts_at or over.starts_at >= piece.ends_at:
            yield piece
            continue
        if piece.starts_at < over.starts_at:
            yield Shift(piece.starts_at, over.starts_at, piece.person, piece.override)
        yield Shift(max(piece.starts_at, over.starts_at), min(piece.ends_at, over.ends_at), over.person, over.id)
        if over.ends_at < piece.ends_at:
            yield Shift(over.ends_at, piece.ends_at, piece.person, piece.override)


def merge(pieces: Sequence[Shift]) -> list[Shift]:
    """Join neighbours of the same person and origin."""
    merged: list[Shift] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and (last.person, last.override) == (piece.person, piece.override) and last.ends_at == piece.starts_at:
            merged[-1] = Shift(last.starts_at, piece.ends_at, last.person, last.override)
        else:
            merged.append(piece)
    return merged


def who_is_on_call(schedule: Schedule, at: datetime) -> OnCall:
    """Return who is on call at an instant. Screens, REST and the pager all ask this one function."""
    window = shifts(schedule, at - timedelta(days=21), at + timedelta(days=70))
    index = bisect_right([shift.starts_at for shift in window], at) - 1
    shift = window[index]
    return OnCall(shift.person, shift.starts_at, shift.ends_at, _why(shift))


def _why(shift: Shift) -> str:
    if shift.override is not None:
        return "takes this time in place of the rotation"
    return "nobody is on call" if shift.person is None else "it is their turn"


def next_after(schedule: Schedule, at: datetime) -> Shift | None:
    """Return the shift that follows the one at an instant, within ten weeks."""
    window = shifts(schedule, at, at + timedelta(days=70))
    return window[1] if len(window) > 1 else None


def change_days(time_zone: str, start: date, days: int) -> list[tuple[date, timedelta]]:
    """Return the days on which the clock of a zone changes, with by how much."""
    zone = ZoneInfo(time_zone)
    found = []
    for number in range(days):
        day = start + timedelta(days=number)
        before = instant(day, time.min, zone).astimezone(zone).utcoffset() or timedelta()
        after = instant(day + timedelta(days=1), time.min, zone).astimezone(zone).utcoffset() or timedelta()
        if before != after:
            found.append((day, after - before))
    return found
