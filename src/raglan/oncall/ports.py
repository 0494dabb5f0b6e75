"""Hooks that higher contexts fill: what is open for a schedule when a shift begins."""

from collections.abc import Callable

from raglan.oncall.models import Schedule

HandoverLines = Callable[[Schedule], list[str]]
_sources: list[HandoverLines] = []
MOST = 20


def register_handover(source: HandoverLines) -> None:
    """Say what a context has to hand over for a schedule: open pages, silences, asks; one line each."""
    if source not in _sources:
        _sources.append(source)


def handover_lines(schedule: Schedule) -> list[str]:
    """Return what is open for a schedule now."""
    found = [line for source in _sources for line in source(schedule)]
    return found[:MOST] + ([f"and {len(found) - MOST} more"] if len(found) > MOST else [])
