"""What the fleet tells changes: which hosts a hold is for, which of them have not asked, where hosts belong."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from raglan.changes.gate import Asked
from raglan.changes.hold_models import Hold

PLACED = "host_places"  # the name under which the gate hears that hosts belong elsewhere, or have other tags


@dataclass(frozen=True, slots=True)
class Silent:
    """A host that a hold is for and that was not told of it; `went_on` says that it asked, and was told to go on."""

    name: str
    last_heard_at: datetime
    went_on: bool = False


@dataclass(frozen=True, slots=True)
class RollCall:
    """How many hosts a hold is for, as far as is known; how many asked and went on, or did not ask; some of both."""

    hosts: int = 0
    went_on: int = 0
    not_asked: int = 0
    some: Sequence[Silent] = ()


class Roll(Protocol):
    """Who knows the fleet."""

    def call(self, hold: Hold, *, most: int, skip: int = 0) -> RollCall:
        """Say who was not told of a hold, those first that went on; `some` are `most` after `skip`."""

    def known(self, names: Collection[str]) -> set[str]:
        """Return which of some names are of hosts that are known."""

    def placed(self, named: Mapping[str, Collection[str]]) -> Iterator[Sequence[tuple[str, Asked]]]:
        """Yield hosts in portions, with those of some places and tags, in small letters, that they have."""

    def has(self, asked: Asked) -> bool:
        """Tell whether a host has all of some places and tags; also where nobody is known."""


class Nobody:
    """Before anything tells of hosts."""

    def call(self, hold: Hold, *, most: int, skip: int = 0) -> RollCall:
        """Nobody is known."""
        return RollCall()

    def known(self, names: Collection[str]) -> set[str]:
        """Nobody is known."""
        return set()

    def placed(self, named: Mapping[str, Collection[str]]) -> Iterator[Sequence[tuple[str, Asked]]]:
        """Nobody is known."""
        return iter(())

    def has(self, asked: Asked) -> bool:
        """Nobody is known."""
        return True


_roll: Roll = Nobody()


def register_roll(roll: Roll) -> None:
    """Have somebody asked who knows the fleet."""
    global _roll  # noqa: PLW0603 -- one for the process, set when it starts
    _roll = roll


def roll() -> Roll:
    """Return who knows the fleet."""
    return _roll
