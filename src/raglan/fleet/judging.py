"""As you said, or differs: what one host showed, compared with what the author of a change said. Pure, and quick.

Nothing here reads or writes. What was said and what was seen come in, a verdict with its words comes out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from raglan.fleet.ports import MoveTold, Outcome, ServiceTurn

BAD_STATES = frozenset(("failed", "error", "crashed", "dead"))
DOWN_STATES = frozenset(("inactive", "deactivating", "activating"))  # bad when they last
NOT_WELL = BAD_STATES | DOWN_STATES
SHOWN = 4
ENDED = frozenset((Outcome.CHANGED, Outcome.UNCHANGED))


class Verdict(StrEnum):
    """How what was seen stands to what was said. It is `open` where there is nothing to compare with, or only words."""

    AS_SAID = "as_said"
    DIFFERS = "differs"
    OPEN = "open"


class Difference(StrEnum):
    """In what it differs, the most telling last."""

    MOVED = "moved"
    VERSION = "version"
    GONE = "gone"
    ASIDE = "aside"
    RESTART = "restart"
    STAYED = "stayed"
    RUN = "run"
    CRASH = "crash"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Said:
    """An open change as its author said it. `on_new` and `on_existing` are empty where nobody said anything."""

    change: int
    packages: Mapping[str, str]
    on_new: str = ""
    on_existing: str = ""
    units: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def reaches(self, *, cluster: str, role: str, environment: str, tags: Collection[str] = ()) -> bool:
        """Whether a host is meant. No name means all of them."""
        return (
            (not self.clusters or cluster in self.clusters)
            and (not self.roles or role in self.roles)
            and (not self.environments or environment in self.environments)
            and (not self.tags or not self.tags.isdisjoint(tags))
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What one host showed. It `is_new` when it came after the change, `has_it` when that was seen on it before.

    `stopped` are units that were active and have not been for a while, `restarts` those that were started anew,
    `crashes` those of them that the machine started by itself after they had ended. `has` is what a host came with that
    is heard for the first time.
    """

    moves: Sequence[MoveTold] = ()
    turns: Sequence[ServiceTurn] = ()
    outcome: Outcome | None = None
    is_new: bool = False
    has_it: bool = False
    is_aside: bool = False
    has: Mapping[str, str] = field(default_factory=dict)
    stopped: Sequence[ServiceTurn] = ()
    restarts: Sequence[str] = ()
    crashes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict. `kinds` are the differences, the most telling first; `words` say them."""

    verdict: Verdict
    kinds: tuple[Difference, ...] = ()
    words: str = ""


def plain_unit(name: str) -> str:
    """Return a unit without the ending that some tools leave out."""
    return name.removesuffix(".service")


def compare(said: Said, seen: Seen) -> Judged | None:
    """Compare what a host showed with what was said of it; None when it says nothing about the change."""
    moved = [move for move in seen.moves if move.name in said.packages]
    expected = said.on_new if seen.is_new else said.on_existing
    concerns = bool(moved) or seen.has_it
    found = [
        *_moves(expected, said, moved),
        *_came(expected, said, seen),
        *([(Difference.ASIDE, "")] if moved and seen.is_aside else []),
        *_restarted(expected, said, seen),
        *_run(seen, concerns=concerns),
        *_crashed(said, seen, concerns=concerns),
        *_turned(said, seen, concerns=concerns),
    ]
    if found:
        return _differs(found, seen, moved)
    if moved or (seen.is_new and _brings(expected, said, seen)):
        return Judged(Verdict.AS_SAID if expected not in ("", "words") else Verdict.OPEN)
    if expected == "nothing" and seen.outcome in ENDED and not seen.has_it:
        return Judged(Verdict.AS_SAID)
    return None


def _moves(expected: str, said: Said, moved: Sequence[MoveTold]) -> list[tuple[Difference, str]]:
    """Return how packages moved otherwise than was said."""
    match expected:
        case "nothing":
            return [(Difference.MOVED, written(move)) for move in moved]
        case "version" | "restart":
            return [found for move in moved if (found := _other_version(move, said.packages[move.name]))]
        case _:
            return []


def _other_version(move: MoveTold, wanted: str) -> tuple[Difference, str] | None:
    if not move.new:
        return Difference.GONE, written(move)
    if wanted and move.new != wanted:
        return Difference.VERSION, f"{written(move)}, not {wanted}"
    return None


def _came(expected: str, said: Said, seen: Seen) -> list[tuple[Difference, str]]:
    """Return with what a new host came otherwise than was said. What it has not got yet says nothing."""
    if not seen.is_new:
        return []
    moved = {move.name for move in seen.moves}
    has = {name: version for name, version in seen.has.items() if name in said.packages and name not in moved}
    if expected == "nothing":
        return [(Difference.MOVED, f"{name} {has[name]}") for name in sorted(has) if has[name] == said.packages[name]]
    if expected not in ("version", "restart"):
        return []
    other = {name: version for name, version in has.items() if said.packages[name] not in ("", version)}
    return [(Difference.VERSION, f"{name} {other[name]}, not {said.packages[name]}") for name in sorted(other)]


def _restarted(expected: str, said: Said, seen: Seen) -> list[tuple[Difference, str]]:
    """Return the units that were named and started anew where nothing was expected."""
    if expected != "nothing" or seen.is_new:
        return []
    named = {plain_unit(name) for name in said.units}
    anew = [name for name in seen.restarts if name not in seen.crashes]
    return [(Difference.RESTART, name) for name in anew if plain_unit(name) in named]


def stayed(units: Sequence[str], minutes: int) -> Judged:
    """Return the verdict on a host whose units were to restart and did not."""
    words = f"a restart of {_some(units)} was expected; it did not happen within {minutes} min"
    return Judged(Verdict.DIFFERS, (Difference.STAYED,), words)


def _brings(expected: str, said: Said, seen: Seen) -> bool:
    """Whether a new host came with the packages of a change, in the versions that were said."""
    if expected not in ("version", "restart"):
        return False
    return all(name in seen.has and version in ("", seen.has[name]) for name, version in said.packages.items())


def _run(seen: Seen, *, concerns: bool) -> list[tuple[Difference, str]]:
    return [(Difference.RUN, "the run failed")] if concerns and seen.outcome is Outcome.FAILED else []


def _turned(said: Said, seen: Seen, *, concerns: bool) -> list[tuple[Difference, str]]:
    """Return the units that are not well: those that were named, and any on a host that the change has reached."""
    named = {plain_unit(name) for name in said.units}
    bad = [*(turn for turn in seen.turns if turn.now in BAD_STATES), *seen.stopped]
    meant = [turn for turn in bad if concerns or plain_unit(turn.name) in named]
    return [(Difference.UNIT, f"{turn.name} {turn.now}{_before(turn)}") for turn in meant]


def _crashed(said: Said, seen: Seen, *, concerns: bool) -> list[tuple[Difference, str]]:
    """Return the units that ended by themselves and were started again; which ones count goes as for a failure."""
    named = {plain_unit(name) for name in said.units}
    meant = [name for name in seen.crashes if concerns or plain_unit(name) in named]
    return [(Difference.CRASH, f"{name} crashed and was started again") for name in meant]


def _before(turn: ServiceTurn) -> str:
    return f", {turn.was} before" if turn.was else ""


def _differs(found: Sequence[tuple[Difference, str]], seen: Seen, moved: Sequence[MoveTold]) -> Judged:
    order = list(Difference)
    kinds = sorted({kind for kind, _ in found}, key=order.index, reverse=True)
    told = [words for kind, words in found if kind in (Difference.MOVED, Difference.VERSION, Difference.GONE)]
    said = told or [written(move) for move in moved]
    where = "on a new host" if seen.is_new else "on an existing host"
    if seen.is_aside:
        where = "on a host that is kept aside"
    first = [f"{_some(said)} {where}"] if said else []
    restarted = [words for kind, words in found if kind is Difference.RESTART]
    if restarted:
        place = "" if said else f" {where}"
        first.append(f"{_some(restarted)} restarted{place}, which was not expected")
    rest = [words for kind, words in found if kind in (Difference.RUN, Difference.CRASH, Difference.UNIT)]
    alone = f", {where}" if not first and not seen.has_it else ""
    return Judged(Verdict.DIFFERS, tuple(kinds), "; ".join([*first, *rest[:SHOWN]]) + alone)


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def written(move: MoveTold) -> str:
    """Write a move: `httpd 2.4.6-40 → 2.4.6-45`, `httpd 2.4.6-45, new there`, `httpd 2.4.6-40, gone`."""
    if not move.old:
        return f"{move.name} {move.new}, new there"
    return f"{move.name} {move.old} → {move.new}" if move.new else f"{move.name} {move.old}, gone"
