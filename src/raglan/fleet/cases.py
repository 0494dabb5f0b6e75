"""Reports on their way through: what became of each, and in which turns they are taken."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from raglan.core.errors import BadInput
from raglan.fleet import units
from raglan.fleet.ports import HostTold
from raglan.fleet.reports import Received, happened_at, named, offset_s
from raglan.fleet.standing import Standing


class Taken(StrEnum):
    """What became of a report."""

    TAKEN = "taken"
    AGAIN = "again"
    LATE = "late"
    SHARED = "shared"
    NEEDS_PACKAGES = "packages"


Result = Taken | BadInput
Units = Mapping[str, units.Kept | BadInput]


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of packages by digest: their keys, or what is wrong with them; and what is in those that were read."""

    keys: Mapping[str, int | BadInput]
    at_hand: Mapping[int, "array[int]"] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """One report on its way through."""

    place: int
    received: Received
    told: HostTold
    at: datetime
    offset: int
    result: Result = Taken.TAKEN
    host: Standing | None = None
    is_new: bool = False
    is_changed: bool = False
    had_packages: int | None = None
    had_units: int | None = None
    restarts: Sequence[str] = ()
    crashes: Sequence[str] = ()

    @property
    def row(self) -> Standing:
        """Its host, once that is settled."""
        assert self.host is not None
        return self.host


def in_turns(batch: Sequence[Received]) -> Iterator[list[Case]]:
    """Yield reports in their order, so that no host and no machine comes twice in one turn."""
    cases = [_case(place, received) for place, received in enumerate(batch)]
    if (
        len({case.told.name for case in cases})
        == len({case.told.machine or case.told.name for case in cases})
        == len(cases)
    ):
        yield cases
        return
    there: set[tuple[str, str]] = set()
    turn: list[Case] = []
    for case in cases:
        names = {("name", case.told.name), ("machine", case.told.machine or case.told.name)}
        if names & there:
            yield turn
            turn, there = [], set()
        turn.append(case)
        there |= names
    yield turn


def _case(place: int, received: Received) -> Case:
    offset = offset_s(received)
    return Case(place, received, named(received.report.host), happened_at(received, offset), offset)
