"""Which lines of a run, and which moves, are about what was changed by hand. Pure."""

import re
from collections.abc import Sequence

REACHES = frozenset(("changed", "failed", "rehearsed"))
UNIT = ".service"
BEFORE, BEHIND = r"(?<![A-Za-z0-9._/+-])", r"(?![A-Za-z0-9_+/-]|\.[A-Za-z0-9])"


def plain(thing: str) -> str:
    """Return a thing as it is compared: without case, and a service without the ending that some tools leave out."""
    return thing.strip().casefold().removesuffix(UNIT)


def names(text: str, thing: str) -> bool:
    """Tell whether a line names a thing as a whole: `httpd` is in `Package[httpd]`, and not in `httpd-tools`."""
    wanted, line = plain(thing), text.casefold()
    if not wanted or wanted not in line:  # most lines: a run may have many long ones
        return False
    line = line.replace("_|-", " ").replace(UNIT, "")
    return re.search(BEFORE + re.escape(wanted) + BEHIND, line) is not None


def by_steps(thing: str, steps: Sequence[Sequence[str]]) -> str:
    """Return the first step that reached for a thing, in words; empty when none did. A step is name, outcome, words."""
    for step in steps:
        name, outcome, sentence = (*step, "", "", "")[:3]
        if outcome in REACHES and (names(name, thing) or names(sentence, thing)):
            return f"{name}: {sentence}".rstrip(": ")
    return ""


def by_moves(thing: str, moves: Sequence[Sequence[str]]) -> str:
    """Return how a package of that name moved, in words; empty when it did not. A move is name, old and new version."""
    for move in moves:
        name, old, new = (*move, "", "", "")[:3]
        if plain(name) == plain(thing):
            return f"{name} {old or 'not installed'} → {new or 'gone'}"
    return ""
