"""What a host is told when it asks whether its automation may go on. Pure: holds, words, a time in; an answer out.

All ways to ask give the answer of `answer`: the text over HTTP, the file, DNS, and the copy of it in `raglan-host`.

Where a host belongs is what it says and what raglan knows of it, both together. One of which neither tells its
cluster, role, environment or tags is not taken for one of a hold that names them. What it will touch is the other way
round: whoever does not say which packages or changes that are may touch any.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from raglan.changes import named

VERSION = 1
GO, STOP = "go", "stop"
PLACES = ("clusters", "roles", "environments", "tags")
TOUCHED = ("packages", "changes")
EXEMPT = ("host", "role", "tag")


@dataclass(frozen=True, slots=True)
class Reach:
    """What a hold is for. Each kind that has names must be met by one of them; without any it is for everything."""

    clusters: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether no kind has names."""
        return not any(getattr(self, kind) for kind in (*PLACES, *TOUCHED))

    @property
    def words(self) -> str:
        """Say it in words."""
        kinds = [(kind, getattr(self, kind)) for kind in (*PLACES, *TOUCHED)]
        said = [f"{kind if len(names) > 1 else kind[:-1]} {named.written(names)}" for kind, names in kinds if names]
        return "; ".join(said) or "everything"


EVERYTHING = Reach()


@dataclass(frozen=True, slots=True)
class Exempt:
    """A host, or the hosts of a role or a tag, that may go on although a hold is for them."""

    kind: str
    name: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class HoldRule:
    """A hold as the gate sees it."""

    id: int
    name: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    reach: Reach = EVERYTHING
    but: tuple[Exempt, ...] = ()
    is_drill: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a host says of itself and of what it is about to do."""

    host: str = ""
    clusters: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Go or stop: by which holds, which let this one through, and which others are on, each with why it goes on."""

    holds: tuple[HoldRule, ...]
    through: tuple[tuple[HoldRule, str], ...]
    elsewhere: tuple[tuple[HoldRule, str], ...]
    at: datetime

    @property
    def word(self) -> str:
        """The first line."""
        return STOP if self.holds else GO

    @property
    def until(self) -> datetime | None:
        """When the last of its holds ends by itself."""
        return max((hold.ends_at for hold in self.holds), default=None)


def answer(rules: Iterable[HoldRule], asked: Asked, at: datetime) -> Answer:
    """Tell whether a host may go on; of holds that are on, the one that ends last comes first."""
    stopping, through, elsewhere = [], [], []
    for rule in rules:
        if not rule.starts_at <= at < rule.ends_at:
            continue
        if why := not_for(rule.reach, asked):
            elsewhere.append((rule, why))
        elif why := let_through(rule, asked, at):
            through.append((rule, why))
        else:
            stopping.append(rule)
    stopping.sort(key=lambda rule: (rule.ends_at, rule.id), reverse=True)
    return Answer(tuple(stopping), tuple(through), tuple(elsewhere), at)


def and_known(asked: Asked, known: Asked) -> Asked:
    """Return what is asked, with the places and tags that are known of its host besides."""
    return replace(
        asked,
        clusters=asked.clusters + known.clusters,
        roles=asked.roles + known.roles,
        environments=asked.environments + known.environments,
        tags=asked.tags + known.tags,
    )


def named_by(rules: Iterable[HoldRule]) -> dict[str, frozenset[str]]:
    """Return the names of places and tags by which holds, or exceptions to them, tell hosts apart; in small letters."""
    found: dict[str, set[str]] = {kind: set() for kind in PLACES}
    for rule in rules:
        for kind in PLACES:
            found[kind].update(name.casefold() for name in getattr(rule.reach, kind))
        for exempt in rule.but:
            if exempt.kind != "host":
                found[f"{exempt.kind}s"].add(exempt.name.casefold())
    return {kind: frozenset(names) for kind, names in found.items()}


def is_for_places(reach: Reach, asked: Asked) -> bool:
    """Tell whether a hold is for where a host belongs, whatever it is about to do."""
    for kind in PLACES:
        wanted = getattr(reach, kind)
        if wanted and not _meet(wanted, getattr(asked, kind)):
            return False
    return True


def not_for(reach: Reach, asked: Asked) -> str:
    """Say why a hold is not for a host, or not for what it is about to do; empty when it is."""
    for kind in PLACES:
        wanted, said = getattr(reach, kind), getattr(asked, kind)
        if wanted and not _meet(wanted, said):
            return f"it is for {kind} {named.written(wanted)}; this is {named.written(said) or 'not said'}"
    for kind in TOUCHED:
        wanted, said = getattr(reach, kind), getattr(asked, kind)
        if wanted and said and not _meet(wanted, said):
            return f"it is for {kind} {named.written(wanted)}, which this does not touch"
    return ""


def let_through(rule: HoldRule, asked: Asked, at: datetime) -> str:
    """Say by which exception a host may go on; empty when by none."""
    for exempt in rule.but:
        if at < exempt.ends_at and _meet((exempt.name,), _own(asked, exempt.kind)):
            return f"{exempt.kind} {named.alone(exempt.name)} may go on until {stamp(exempt.ends_at)}"
    return ""


def _own(asked: Asked, kind: str) -> Sequence[str]:
    return {"host": (asked.host,), "role": asked.roles, "tag": asked.tags}[kind]


def _meet(wanted: Sequence[str], said: Sequence[str]) -> bool:
    """Whether a name is among others; case does not count, for DNS keeps none."""
    return not {name.casefold() for name in wanted}.isdisjoint(name.casefold() for name in said)


def stamp(at: datetime) -> str:
    """Write a time, which is in UTC, as all forms of the answer do."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
