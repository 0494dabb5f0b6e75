"""Who is on call: pure arithmetic, apart from storage.

The rules. Intervals are half open. Turns follow the wall clock of the rotation's zone. A handoff happens the first
time that the wall clock reaches or passes it: in an hour that a clock change skips, at the first valid instant after
it; in an hour that happens twice, at the first of the two; where midnight is missing, at the day's real beginning;
on a day that a country skips, at the start of the next. A turn that falls wholly into skipped time counts as taken.
The past never changes: a changed rotation counts from its own start on, and somebody who left is not on call from
then on. Of overrides that cover an instant, the one made last wins.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from raglan.oncall.wall import first_instant

WEEK = timedelta(weeks=1)
HORIZON = timedelta(days=740)
FAR = datetime(2300, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A turn order: each turn is `length` long on the wall clock, be it weeks, days or hours.

    The first participant is on call at the first handoff: on `starts_on`, or the first `handoff_weekday` (Monday is 0)
    after it. The rotation decides from then, but not before `effective_from`, until the next rotation starts.
    """

    participants: tuple[int, ...]
    starts_on: date
    handoff_time: time
    time_zone: str
    handoff_weekday: int | None = None
    length: timedelta = WEEK
    effective_from: datetime | None = None
    id: int = 0

    def first_day(self) -> date:
        """Return the day of the first handoff."""
        if self.handoff_weekday is None:
            return self.starts_on
        return self.starts_on + timedelta(days=(self.handoff_weekday - self.starts_on.weekday()) % 7)

    def wall(self, turn: int) -> datetime:
        """Return what the wall clock shows when a turn begins."""
        return datetime.combine(self.first_day(), self.handoff_time) + turn * self.length

    def handoff(self, turn: int) -> datetime:
        """Return the instant at which a turn begins."""
        return first_instant(self.wall(turn), ZoneInfo(self.time_zone))

    def begins(self) -> datetime:
        """Return the instant from which this rotation decides."""
        first = self.handoff(0)
        return max(first, self.effective_from) if self.effective_from else first

    def turn_at(self, at: datetime) -> int:
        """Return the number of the turn that covers an instant; negative before the first."""
        local = at.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)
        turn = (local - self.wall(0)) // self.length
        while self.handoff(turn + 1) <= at:
            turn += 1
        while self.handoff(turn) > at:
            turn -= 1
        return turn

    def person(self, turn: int) -> int | None:
        """Return whose turn it is."""
        return self.participants[turn % len(self.participants)] if self.participants else None


@dataclass(frozen=True, slots=True)
class Override:
    """A person takes a time in place of the rotation."""

    id: int
    person: int
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    created_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that decides who is on call. `departed` says from when somebody cannot be."""

    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()
    departed: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody is on call. An override says in whose place."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[int, ...]
    override: int | None = None
    instead_of: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call."""

    starts_at: datetime
    ends_at: datetime

    @property
    def people(self) -> tuple[int, ...]:
        """Nobody."""
        return ()


Piece = Shift | Gap


class Source(StrEnum):
    """What put somebody on call."""

    ROTATION = "rotation"
    OVERRIDE = "override"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class OnCall:
    """The answer at an instant: who, why, and until when; None when no end is planned within two years."""

    people: tuple[int, ...]
    source: Source
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A time at which somebody else would be on call."""

    starts_at: datetime
    ends_at: datetime
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Slice:
    """A time with one person by one origin, before neighbours are joined."""

    starts_at: datetime
    ends_at: datetime
    person: int | None
    override: int | None = None
    instead_of: tuple[int, ...] = ()

    def cut(self, start: datetime, end: datetime) -> "_Slice":
        return replace(self, starts_at=start, ends_at=end)


def who_is_on_call(schedule: Schedule, at: datetime) -> OnCall:
    """Return who is on call at an instant. Screens, REST and the pager all ask this one function."""
    return outlook(schedule, at)[0]


def next_after(schedule: Schedule, at: datetime) -> Piece | None:
    """Return the shift or gap with which somebody else follows; None when none is planned within two years."""
    return outlook(schedule, at)[1]


def outlook(schedule: Schedule, at: datetime) -> tuple[OnCall, Piece | None]:
    """Return who is on call at an instant, and what follows when other people are."""
    pieces = walk(schedule, at, at + HORIZON)
    first = next(pieces)
    following = next((piece for piece in pieces if piece.people != first.people), None)
    return _answer(schedule, first, following.starts_at if following else None), following


def _answer(schedule: Schedule, first: Piece, until: datetime | None) -> OnCall:
    match first:
        case Gap():
            return OnCall((), Source.NOBODY, "nobody is on call", until)
        case Shift(override=None):
            return OnCall(first.people, Source.ROTATION, "it is their turn", until)
        case Shift():
            words = next((item.reason for item in schedule.overrides if item.id == first.override), "")
            reason = "takes this time in place of the rotation" + (f": {words}" if words else "")
            return OnCall(first.people, Source.OVERRIDE, reason, until)


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Piece]:
    """Return who is on call from `start` to `end`: shifts and gaps in order that cover the whole time once."""
    return list(walk(schedule, start, end))


def coming(schedule: Schedule, at: datetime, until: datetime) -> list[Piece]:
    """Return the shifts and gaps that begin before `until`, each whole; one without end stops at the horizon."""
    return list(takewhile(lambda piece: piece.starts_at < until, walk(schedule, at, at + HORIZON)))


def walk(schedule: Schedule, start: datetime, end: datetime) -> Iterator[Piece]:
    """Yield shifts and gaps as far as they are asked for."""
    taken = _ruling(schedule, start, end)
    for slice_ in _joined(_laid_over(_turns(schedule, start, end), taken)):
        if slice_.person is None:
            yield Gap(slice_.starts_at, slice_.ends_at)
        else:
            people = (slice_.person,)
            yield Shift(slice_.starts_at, slice_.ends_at, people, slice_.override, slice_.instead_of)


def changes(before: Schedule, after: Schedule, start: datetime, end: datetime) -> list[Change]:
    """Return the times at which two schedules name different people."""
    left, right = shifts(before, start, end), shifts(after, start, end)
    found: list[Change] = []
    for low, high, old, new in _side_by_side(left, right):
        last = found[-1] if found else None
        if last and last.ends_at == low and (last.before, last.after) == (old, new):
            found[-1] = replace(last, ends_at=high)
        elif old != new:
            found.append(Change(low, high, old, new))
    return found


def _side_by_side(
    left: Sequence[Piece], right: Sequence[Piece]
) -> Iterator[tuple[datetime, datetime, tuple[int, ...], tuple[int, ...]]]:
    cuts = sorted({edge for piece in (*left, *right) for edge in (piece.starts_at, piece.ends_at)})
    i = j = 0
    for low, high in pairwise(cuts):
        i += left[i].ends_at <= low
        j += right[j].ends_at <= low
        yield low, high, left[i].people, right[j].people


def reigns(schedule: Schedule) -> list[tuple[Rotation, datetime, datetime]]:
    """Return the rotations that ever decide, each with the time in which it does."""
    starts = sorted(((item.begins(), item.id, item) for item in schedule.rotations), key=lambda item: item[:2])
    ends = [*(start for start, _, _ in starts[1:]), FAR]
    return [(item, start, end) for (start, _, item), end in zip(starts, ends, strict=False) if start < end]


def _turns(schedule: Schedule, start: datetime, end: datetime) -> Iterator[_Slice]:
    """Yield the turns of the rotations between two instants; times without one have nobody."""
    at = start
    for rotation, begins, ends in reigns(schedule):
        if ends <= at or begins >= end:
            continue
        if begins > at:
            yield _Slice(at, begins, None)
            at = begins
        stop = min(end, ends)
        yield from _without(_turns_of(rotation, at, stop), schedule.departed)
        at = stop
    if at < end:
        yield _Slice(at, end, None)


def _turns_of(rotation: Rotation, at: datetime, stop: datetime) -> Iterator[_Slice]:
    if len(set(rotation.participants)) < 2:
        yield _Slice(at, stop, rotation.person(0))
        return
    turn = rotation.turn_at(at)
    while at < stop:
        until = min(stop, rotation.handoff(turn + 1))
        if until > at:
            yield _Slice(at, until, rotation.person(turn))
        at, turn = until, turn + 1


def _without(turns: Iterable[_Slice], departed: Mapping[int, datetime]) -> Iterator[_Slice]:
    """Leave the time empty that would fall to somebody who left."""
    for turn in turns:
        left_at = departed.get(turn.person, FAR) if turn.person is not None else FAR
        middle = min(max(left_at, turn.starts_at), turn.ends_at)
        if middle > turn.starts_at:
            yield turn.cut(turn.starts_at, middle)
        if middle < turn.ends_at:
            yield _Slice(middle, turn.ends_at, None)


def _ruling(schedule: Schedule, start: datetime, end: datetime) -> list[_Slice]:
    """Return the overrides that win between two instants, cut so that they do not overlap."""
    live = [
        replace(item, ends_at=min(item.ends_at, schedule.departed.get(item.person, FAR)))
        for item in schedule.overrides
        if item.starts_at < end and item.ends_at > start
    ]
    ranked = sorted(live, key=lambda item: (item.created_at, item.id))
    waiting = sorted(range(len(ranked)), key=lambda rank: ranked[rank].starts_at, reverse=True)
    cuts = sorted({edge for item in ranked for edge in (item.starts_at, item.ends_at)})
    active: list[int] = []  # a heap of ranks, the latest on top
    found: list[_Slice] = []
    for low, high in pairwise(cuts):
        while waiting and ranked[waiting[-1]].starts_at <= low:
            heapq.heappush(active, -waiting.pop())
        while active and ranked[-active[0]].ends_at <= low:
            heapq.heappop(active)
        if active:
            winner = ranked[-active[0]]
            found.append(_Slice(low, high, winner.person, winner.id))
    return found


def _laid_over(turns: Iterable[_Slice], taken: Sequence[_Slice]) -> Iterator[_Slice]:
    place = 0
    for turn in turns:
        at = turn.starts_at
        while at < turn.ends_at:
            while place < len(taken) and taken[place].ends_at <= at:
                place += 1
            over = taken[place] if place < len(taken) and taken[place].starts_at < turn.ends_at else None
            if over is None:
                yield turn.cut(at, turn.ends_at)
                break
            if over.starts_at > at:
                yield turn.cut(at, over.starts_at)
                at = over.starts_at
            stop = min(over.ends_at, turn.ends_at)
            yield _in_place_of(turn, over).cut(at, stop)
            at = stop


def _in_place_of(turn: _Slice, over: _Slice) -> _Slice:
    """Return who takes a turn; whoever takes their own simply has it."""
    if over.person == turn.person:
        return turn
    return replace(over, instead_of=() if turn.person is None else (turn.person,))


def _joined(slices: Iterable[_Slice]) -> Iterator[_Slice]:
    """Join neighbours of the same person and origin."""
    last: _Slice | None = None
    for item in slices:
        if last and (last.person, last.override) == (item.person, item.override):
            both = dict.fromkeys((*last.instead_of, *item.instead_of))
            last = replace(last, ends_at=item.ends_at, instead_of=tuple(both))
            continue
        if last:
            yield last
        last = item
    if last:
        yield last
