"""Overrides: which of them count when, and who is on call after them. Pure arithmetic; the rules stand in `resolve`."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import pairwise
from typing import assert_never

from raglan.oncall.turns import FAR


class Kind(StrEnum):
    """What an override does to those who are on call."""

    REPLACE_EVERYBODY = "replace_everybody"
    REPLACE_ONE = "replace_one"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Override:
    """A time that does not go by the layers. `person` comes, or goes if the kind is to remove."""

    id: int
    person: int
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    created_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    kind: Kind = Kind.REPLACE_EVERYBODY
    instead_of: int | None = None
    rank: int = 0

    @property
    def order(self) -> tuple[int, datetime, int]:
        """Return what decides between overrides: the greatest is applied last."""
        return self.rank, self.created_at, self.id


@dataclass(frozen=True, slots=True)
class Seat:
    """One person on call, with what put them there. `via` are those who had taken it before, by an override each."""

    person: int
    layer: int | None = None
    override: int | None = None
    instead_of: tuple[int, ...] = ()
    via: tuple[int, ...] = ()


Seats = tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """A time with the overrides that count in it, in the order in which they are applied."""

    starts_at: datetime
    ends_at: datetime
    overrides: tuple[Override, ...]


def ruling(overrides: Sequence[Override], start: datetime, end: datetime, *, is_whole: bool) -> list[Ruling]:
    """Return the overrides that count between two instants, in pieces that do not overlap.

    Whole, with all that are applied, where it matters by which of them somebody would be there.
    """
    ranked = sorted((o for o in overrides if max(o.starts_at, start) < min(o.ends_at, end)), key=lambda o: o.order)
    edges = sorted({edge for item in ranked for edge in (item.starts_at, item.ends_at)})
    begin: dict[datetime, list[int]] = {}
    finish: dict[datetime, list[int]] = {}
    for rank, item in enumerate(ranked):
        begin.setdefault(item.starts_at, []).append(rank)
        finish.setdefault(item.ends_at, []).append(rank)
    active: list[int] = []
    found: list[Ruling] = []
    for low, high in pairwise(edges):
        for rank in finish.get(low, ()):
            del active[bisect_left(active, rank)]
        for rank in begin.get(low, ()):
            insort(active, rank)
        if active:
            counting = tuple(ranked[rank] for rank in active) if is_whole else _that_count(ranked, active)
            found.append(Ruling(low, high, counting))
    return found


def of_those_here(item: Override, departed: Mapping[int, datetime]) -> Override:
    """Return an override cut to the time in which its person can be on call."""
    if item.kind is Kind.REMOVE:
        return item
    return replace(item, ends_at=min(item.ends_at, departed.get(item.person, FAR)))


def _that_count(ranked: Sequence[Override], active: Sequence[int]) -> tuple[Override, ...]:
    """Return active overrides in order, from the last one that replaces everybody on.

    Who sat before that one matters only to a later override in place of one person: then all of them count.
    """
    found: list[Override] = []
    asks_who_sat = False
    for rank in reversed(active):
        found.append(ranked[rank])
        asks_who_sat = asks_who_sat or found[-1].kind is Kind.REPLACE_ONE
        if found[-1].kind is Kind.REPLACE_EVERYBODY and not asks_who_sat:
            break
    return tuple(reversed(found))


def apply(seats: Seats, overrides: Iterable[Override]) -> Seats:
    """Return who is on call after overrides, applied in order."""
    for item in overrides:
        match item.kind:
            case Kind.REPLACE_EVERYBODY:
                seats = _replace_everybody(seats, item)
            case Kind.REPLACE_ONE:
                seats = _replace_one(seats, item)
            case Kind.ADD:
                is_there = any(seat.person == item.person for seat in seats)
                seats = seats if is_there else (*seats, Seat(item.person, override=item.id))
            case Kind.REMOVE:
                seats = tuple(seat for seat in seats if seat.person != item.person)
            case _:
                assert_never(item.kind)
    return seats


def _replace_everybody(seats: Seats, item: Override) -> Seats:
    """Let one person take the whole time; whoever is on call alone already simply has it."""
    if [seat.person for seat in seats] == [item.person]:
        return seats
    instead = dict.fromkeys(seat.person for seat in seats if seat.person != item.person)
    return (Seat(item.person, override=item.id, instead_of=tuple(instead)),)


def _replace_one(seats: Seats, item: Override) -> Seats:
    """Let one person stand in for another, or for whoever stands in for them already; without them nothing happens.

    Whoever comes and is on call already keeps the seat they have.
    """
    gone = item.instead_of
    if gone is None or gone == item.person:
        return seats
    is_there = any(seat.person == gone for seat in seats)
    seated = {seat.person for seat in seats}
    found: list[Seat] = []
    for seat in seats:
        stands = seat.person == gone if is_there else gone in seat.via or gone in seat.instead_of
        if not stands:
            found.append(seat)
            continue
        seated.remove(seat.person)
        for one in _parted(seat, gone, item):
            if one.person not in seated:
                seated.add(one.person)
                found.append(one)
    return tuple(found)


def _parted(seat: Seat, gone: int, item: Override) -> Iterator[Seat]:
    """Yield who has a seat after somebody took it, or took the part of one of those for whom it stands."""
    if seat.person == gone or gone in seat.via:
        instead = seat.instead_of or (seat.person,)
        yield Seat(item.person, None, item.id, instead, (*seat.via, seat.person))
        return
    others = tuple(person for person in seat.instead_of if person != gone)
    if others:
        yield replace(seat, instead_of=others)
    yield Seat(item.person, None, item.id, (gone,), (*seat.via, seat.person))
