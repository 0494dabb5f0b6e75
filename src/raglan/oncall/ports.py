"""Hooks that higher contexts fill: what is open for a schedule when a shift begins, and who can not be reached."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from raglan.oncall.models import Schedule
from raglan.people.models import Person


@dataclass(frozen=True, slots=True)
class Unready:
    """Somebody whom no page would reach, and why."""

    person: Person
    words: str
    problems: tuple[str, ...]


HandoverLines = Callable[[Schedule], list[str]]
FindUnready = Callable[[Iterable[Person]], list[Unready]]
_sources: list[HandoverLines] = []
_checks: list[FindUnready] = []
MOST = 20


def register_handover(source: HandoverLines) -> None:
    """Say what a context has to hand over for a schedule: open pages, silences, asks; one line each."""
    if source not in _sources:
        _sources.append(source)


def handover_lines(schedule: Schedule) -> list[str]:
    """Return what is open for a schedule now."""
    found = [line for source in _sources for line in source(schedule)]
    return found[:MOST] + ([f"and {len(found) - MOST} more"] if len(found) > MOST else [])


def register_readiness(check: FindUnready) -> None:
    """Say how to find those whom no page would reach."""
    if check not in _checks:
        _checks.append(check)


def unready(people: Iterable[Person]) -> list[Unready]:
    """Return those of some people whom no page would reach."""
    found = list(dict.fromkeys(people))
    return [item for check in _checks for item in check(found)]
