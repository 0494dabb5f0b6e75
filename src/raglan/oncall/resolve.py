"""Who is on call: pure arithmetic, apart from storage.

The rules. Intervals are half open. Turns follow the wall clock of the rotation's zone. A handoff happens the first
time that the wall clock reaches or passes it: in an hour that a clock change skips, at the first valid instant after
it; in an hour that happens twice, at the first of the two; where midnight is missing, at the day's real beginning;
on a day that a country skips, at the start of the next. A turn that falls wholly into skipped time counts as taken.
The past never changes: a changed rotation counts from its own start on, and somebody who left is not on call from
then on. What another had taken of their time stays with that other until its end, as if they were still there; all
else of it is as if they had no turn. The highest layer that covers an instant decides; of layers of equal rank all are
on call; a person is named once. Overrides are then applied in order, the higher rank after the lower and the later
after the earlier, so that the last one counts.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise, takewhile
from typing import TypeVar

from raglan.oncall.overriding import Kind, Override, Ruling, Seat, Seats, apply, of_those_here, ruling
from raglan.oncall.turns import FAR, WEEK, Rotation, Window, Work, work_of

__all__ = ["FAR", "WEEK", "Kind", "Override", "Rotation", "Seat", "Seats", "Window", "Work", "apply"]

HORIZON = timedelta(days=740)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that decides who is on call. `departed` says from when somebody cannot be; `layers` names them.

    `booked` are times that a foreign calendar gives, each in a layer that has no rotation.
    """

    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()
    departed: Mapping[int, datetime] = field(default_factory=dict)
    layers: Mapping[int, str] = field(default_factory=dict)
    booked: tuple[Work, ...] = ()


Reign = tuple[Rotation, datetime, datetime]


@dataclass(frozen=True, slots=True)
class Shift:
    """Somebody is on call. An override says in whose place."""

    starts_at: datetime
    ends_at: datetime
    people: tuple[int, ...]
    override: int | None = None
    instead_of: tuple[int, ...] = ()
    seats: Seats = field(default=(), compare=False)


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
class Reason:
    """Why one person is on call: by which layer, or by which override and in whose place."""

    person: int
    source: Source
    words: str
    layer: int | None = None
    override: int | None = None
    instead_of: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OnCall:
    """The answer at an instant: who, why, and until when; None when no end is planned within two years."""

    people: tuple[int, ...]
    source: Source
    reason: str
    until: datetime | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A time at which somebody else would be on call."""

    starts_at: datetime
    ends_at: datetime
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Slice:
    """A time with the same seats, before neighbours are joined."""

    starts_at: datetime
    ends_at: datetime
    seats: Seats

    @property
    def key(self) -> tuple[tuple[int, int | None], ...]:
        """Return what neighbours must share to be one."""
        return tuple((seat.person, seat.override) for seat in self.seats)


@dataclass(frozen=True, slots=True)
class _Cover:
    """A time in which somebody has that of another, who has left."""

    starts_at: datetime
    ends_at: datetime
    gone: int


_T = TypeVar("_T", Override, Work, _Cover)


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
    following = next((piece for piece in pieces if set(piece.people) != set(first.people)), None)
    return _answer(schedule, first, following.starts_at if following else None), following


def reasons_of(schedule: Schedule, piece: Piece) -> tuple[Reason, ...]:
    """Return why those in a shift are on call; none in a gap."""
    return () if isinstance(piece, Gap) else tuple(_why(schedule, seat) for seat in piece.seats)


def _answer(schedule: Schedule, first: Piece, until: datetime | None) -> OnCall:
    if isinstance(first, Gap):
        return OnCall((), Source.NOBODY, "nobody is on call", until)
    reasons = reasons_of(schedule, first)
    words = "; ".join(dict.fromkeys(reason.words for reason in reasons))
    covered = any(reason.source is Source.OVERRIDE for reason in reasons)
    return OnCall(first.people, Source.OVERRIDE if covered else Source.ROTATION, words, until, reasons)


def _why(schedule: Schedule, seat: Seat) -> Reason:
    if seat.override is None:
        layer = schedule.layers.get(seat.layer or 0, "")
        words = f"it is their turn in {layer}" if layer else "it is their turn"
        return Reason(seat.person, Source.ROTATION, words, seat.layer)
    said = next(item for item in schedule.overrides if item.id == seat.override)
    is_for_others = said.kind is Kind.REPLACE_ONE and any(person != seat.person for person in seat.instead_of)
    words = words_of(said, "somebody" if is_for_others else "")
    return Reason(seat.person, Source.OVERRIDE, words, seat.layer, seat.override, seat.instead_of)


def words_of(said: Override, others: str) -> str:
    """Return how an override put somebody on call in the place of others, who may be none."""
    match said.kind:
        case Kind.ADD:
            words = "takes this time beside the rotation"
        case Kind.REPLACE_ONE:
            words = f"takes this time in place of {others}" if others else "has their own time back"
        case _:
            words = f"takes this time in place of {others or 'the rotation'}"
    return words + (f": {said.reason}" if said.reason else "")


def shifts(schedule: Schedule, start: datetime, end: datetime) -> list[Piece]:
    """Return who is on call from `start` to `end`: shifts and gaps in order that cover the whole time once."""
    return list(walk(schedule, start, end))


def coming(schedule: Schedule, at: datetime, until: datetime) -> list[Piece]:
    """Return the shifts and gaps that begin before `until`, each whole; one without end stops at the horizon."""
    return list(takewhile(lambda piece: piece.starts_at < until, walk(schedule, at, at + HORIZON)))


def walk(schedule: Schedule, start: datetime, end: datetime) -> Iterator[Piece]:
    """Yield shifts and gaps as far as they are asked for."""
    for slice_ in _joined(_settled(schedule, start, end)):
        yield _piece(slice_)


def _settled(schedule: Schedule, start: datetime, end: datetime) -> Iterator[_Slice]:
    """Yield who is on call, in pieces in which the same of those who left have somebody who took their time.

    Each piece is made of what touches it alone: a rota of years has hundreds of covers of those who left.
    """
    covers = _covers_of_who_left(schedule, start, end)
    edges = {edge for cover in covers for edge in (cover.starts_at, cover.ends_at) if start < edge < end}
    spans = list(pairwise(sorted({start, end, *edges})))
    if len(spans) == 1 and not covers:
        yield from _with_those_who_left(schedule, frozenset(), frozenset(), start, end)
        return
    standing, overrides = _touching(covers, spans), _touching(schedule.overrides, spans)
    booked = _touching(schedule.booked, spans)
    for (low, high), now_covers, now_overrides, now_booked in zip(spans, standing, overrides, booked, strict=True):
        covered = frozenset(cover.gone for cover in now_covers)
        theirs = frozenset(o.id for o in now_overrides if o.person in covered)
        there = replace(schedule, overrides=now_overrides, booked=now_booked)
        yield from _with_those_who_left(there, covered, theirs, low, high)


def _covers_of_who_left(schedule: Schedule, start: datetime, end: datetime) -> list[_Cover]:
    """Return when between two instants somebody has a time of somebody who had left by then."""
    found = []
    for item in schedule.overrides:
        if item.kind is Kind.REPLACE_ONE and item.instead_of is not None and item.instead_of in schedule.departed:
            low = max(item.starts_at, schedule.departed[item.instead_of], start)
            if low < min(item.ends_at, end):
                found.append(_Cover(low, item.ends_at, item.instead_of))
    return found


def _touching(items: Sequence[_T], spans: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[_T, ...]]:
    """Yield for each of some spans, which follow each other, what touches it, in the order in which it was given."""
    waiting = sorted(enumerate(items), key=lambda item: item[1].starts_at, reverse=True)
    active: list[tuple[int, _T]] = []
    for low, high in spans:
        active = [item for item in active if item[1].ends_at > low]
        while waiting and waiting[-1][1].starts_at < high:
            item = waiting.pop()
            if item[1].ends_at > low:
                insort(active, item, key=lambda item: item[0])
        yield tuple(item for _, item in active)


def _with_those_who_left(
    schedule: Schedule, seated: frozenset[int], standing: frozenset[int], start: datetime, end: datetime
) -> Iterator[_Slice]:
    """Yield who is on call when some who left are seated as ever, and what they took themselves is standing.

    Where one of them would be on call all the same, that seat is left out, and what follows without it counts.
    """
    left = schedule.departed
    overrides = [o if o.id in standing else of_those_here(o, left) for o in schedule.overrides]
    there = replace(schedule, departed={pk: at for pk, at in left.items() if pk not in seated})
    ruled = ruling(overrides, start, end, is_whole=bool(seated or standing))
    for slice_ in _laid_over(_decided(there, start, end), ruled):
        gone = [seat for seat in slice_.seats if left.get(seat.person, FAR) <= slice_.starts_at] if left else []
        if not gone:
            yield slice_
            continue
        by_turn = {seat.person for seat in gone if seat.override is None}
        taken = {seat.override for seat in gone if seat.override is not None}
        yield from _with_those_who_left(schedule, seated - by_turn, standing - taken, slice_.starts_at, slice_.ends_at)


def _piece(slice_: _Slice) -> Piece:
    if not slice_.seats:
        return Gap(slice_.starts_at, slice_.ends_at)
    people = tuple(seat.person for seat in slice_.seats)
    taken = next((seat.override for seat in slice_.seats if seat.override is not None), None)
    instead = tuple(dict.fromkeys(person for seat in slice_.seats for person in seat.instead_of))
    return Shift(slice_.starts_at, slice_.ends_at, people, taken, instead, slice_.seats)


def layer_shifts(schedule: Schedule, layer: int, start: datetime, end: datetime) -> list[Piece]:
    """Return what one layer does by itself, whatever stands above it: shifts, and gaps where it is idle."""
    booked = [work for work in schedule.booked if work.layer == layer]
    if booked:
        works = _booked_work(schedule, booked, start, end)
    else:
        works = _layer_work(schedule, [one for one in reigns(schedule) if one[0].layer == layer], start, end)
    return [_piece(item) for item in _joined(_seated([work]) for work in works)]


def changes(before: Schedule, after: Schedule, start: datetime, end: datetime) -> list[Change]:
    """Return the times at which two schedules name different people."""
    left, right = shifts(before, start, end), shifts(after, start, end)
    found: list[Change] = []
    for low, high, old, new in _side_by_side(left, right):
        last = found[-1] if found else None
        if last and last.ends_at == low and (last.before, last.after) == (old, new):
            found[-1] = replace(last, ends_at=high)
        elif set(old) != set(new):
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


def reigns(schedule: Schedule) -> list[Reign]:
    """Return the rotations that ever decide in their layer, each with the time in which it does."""
    found: list[Reign] = []
    for layer in sorted({rotation.layer for rotation in schedule.rotations}):
        rows = [item for item in schedule.rotations if item.layer == layer]
        starts = sorted(((item.begins(), item.id, item) for item in rows), key=lambda item: item[:2])
        ends = [*(start for start, _, _ in starts[1:]), FAR]
        times = [
            (item, start, min(end, item.ends_at or FAR)) for (start, _, item), end in zip(starts, ends, strict=True)
        ]
        found += [(item, start, end) for item, start, end in times if start < end]
    return found


def layers_of(schedule: Schedule) -> list[int]:
    """Return the layers that have a rotation, or times of a calendar."""
    return sorted({one.layer for one in schedule.rotations} | {one.layer for one in schedule.booked})


def _layer_work(schedule: Schedule, ruled: Sequence[Reign], start: datetime, end: datetime) -> Iterator[Work]:
    """Yield what one layer does between two instants; it covers the whole time, idle or not."""
    at = start
    for rotation, begins, ends in ruled:
        if ends <= at or begins >= end:
            continue
        if begins > at:
            yield Work(at, begins, ())
            at = begins
        stop = min(end, ends)
        yield from _without(work_of(rotation, at, stop), schedule.departed)
        at = stop
    if at < end:
        yield Work(at, end, ())


def _booked_work(schedule: Schedule, booked: Sequence[Work], start: datetime, end: datetime) -> Iterator[Work]:
    """Yield what a calendar gives between two instants; those of several entries at once are on call together."""
    waiting = sorted(
        (work for work in booked if work.starts_at < end and work.ends_at > start), key=lambda w: w.starts_at
    )
    inside = {edge for work in waiting for edge in (work.starts_at, work.ends_at) if start < edge < end}
    active: list[Work] = []
    place = 0
    for low, high in pairwise(sorted({start, end, *inside})):
        active = [work for work in active if work.ends_at > low]
        while place < len(waiting) and waiting[place].starts_at <= low:
            active.append(waiting[place])
            place += 1
        people = tuple(dict.fromkeys(person for work in active for person in work.people))
        yield from _without([Work(low, high, people, booked[0].layer, booked[0].rank)], schedule.departed)


def _without(works: Iterable[Work], departed: Mapping[int, datetime]) -> Iterator[Work]:
    """Leave out those who left, from then on."""
    for work in works:
        if departed.keys().isdisjoint(work.people):
            yield work
            continue
        leaving = [departed[person] for person in work.people if person in departed]
        inside = {at for at in leaving if work.starts_at < at < work.ends_at}
        for low, high in pairwise(sorted({work.starts_at, work.ends_at, *inside})):
            people = tuple(person for person in work.people if departed.get(person, FAR) > low)
            yield replace(work, starts_at=low, ends_at=high, people=people)


def _decided(schedule: Schedule, start: datetime, end: datetime) -> Iterator[_Slice]:
    """Yield who is on call by the layers alone; nothing for a time that has no length."""
    if start >= end:
        return
    ruled = [list(group) for _, group in groupby(reigns(schedule), key=lambda reign: reign[0].layer)]
    tracks = [_layer_work(schedule, group, start, end) for group in ruled]
    for layer in sorted({work.layer for work in schedule.booked}):
        booked = [work for work in schedule.booked if work.layer == layer]
        tracks.append(_booked_work(schedule, booked, start, end))
    works = [next(track) for track in tracks]
    at = start
    while at < end:
        until = min((work.ends_at for work in works), default=end)
        yield replace(_seated(works), starts_at=at, ends_at=until)
        at = until
        if at < end:
            works = [work if work.ends_at > at else next(track) for work, track in zip(works, tracks, strict=True)]


def _seated(works: Sequence[Work]) -> _Slice:
    """Return those whom the highest layers that work name, each once."""
    top = max((work.rank for work in works if work.people), default=0)
    seats: dict[int, Seat] = {}
    for work in works:
        for person in work.people if work.rank == top else ():
            seats.setdefault(person, Seat(person, work.layer))
    return _Slice(works[0].starts_at if works else FAR, works[0].ends_at if works else FAR, tuple(seats.values()))


def _laid_over(slices: Iterable[_Slice], taken: Sequence[Ruling]) -> Iterator[_Slice]:
    place = 0
    for slice_ in slices:
        at = slice_.starts_at
        while at < slice_.ends_at:
            while place < len(taken) and taken[place].ends_at <= at:
                place += 1
            over = taken[place] if place < len(taken) and taken[place].starts_at < slice_.ends_at else None
            if over is None:
                yield replace(slice_, starts_at=at)
                break
            if over.starts_at > at:
                yield replace(slice_, starts_at=at, ends_at=over.starts_at)
                at = over.starts_at
            stop = min(over.ends_at, slice_.ends_at)
            yield _Slice(at, stop, apply(slice_.seats, over.overrides))
            at = stop


def _joined(slices: Iterable[_Slice]) -> Iterator[_Slice]:
    """Join neighbours of the same people and origins."""
    last: _Slice | None = None
    for item in slices:
        if last and last.key == item.key:
            seats = tuple(_both(a, b) for a, b in zip(last.seats, item.seats, strict=True))
            last = replace(last, ends_at=item.ends_at, seats=seats)
            continue
        if last:
            yield last
        last = item
    if last:
        yield last


def _both(one: Seat, other: Seat) -> Seat:
    return replace(one, instead_of=tuple(dict.fromkeys((*one.instead_of, *other.instead_of))))
