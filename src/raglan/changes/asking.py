"""What a host that asks the gate is to know besides holds, and who wants to hear that it asked.

A higher context knows what stands changed by hand on a host; the gate reads that beside the holds, and keeps it in
memory.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

WATCHED = "hand_changes"  # the name under which the gate hears that cautions changed


@dataclass(frozen=True, slots=True)
class Caution:
    """What automation may undo on a host: of which thing, and what may be said of it to the host.

    It `is_awaited` until somebody was told that a run is about to begin there.
    """

    thing: str
    words: str = ""
    is_awaited: bool = True

    def concerns(self, packages: Sequence[str]) -> bool:
        """Whether it is about what a host is about to touch; one that does not say may touch anything."""
        return not packages or self.thing.casefold().removesuffix(".service") in {name.casefold() for name in packages}


@dataclass(frozen=True, slots=True)
class Question:
    """That a host asked before it lets automation go on, and was not stopped."""

    host: str
    packages: tuple[str, ...]
    at: datetime


Look = Callable[[], Mapping[str, Sequence[Caution]]]
Heard = Callable[[Sequence[Question]], None]
_ways: list[tuple[Look, Heard]] = []


def register(look: Look, heard: Heard) -> None:
    """Let a higher context give cautions by host, in small letters, and hear of questions of hosts that have some."""
    _ways.append((look, heard))


def cautions() -> dict[str, tuple[Caution, ...]]:
    """Return what hosts are to know."""
    found: dict[str, tuple[Caution, ...]] = {}
    for look, _ in _ways:
        for host, some in look().items():
            found[host] = (*found.get(host, ()), *some)
    return found


def heard(questions: Sequence[Question]) -> None:
    """Tell that hosts asked."""
    for _, hear in _ways:
        hear(questions)
