"""Rollout groups as people write them, one a line: `first: host web0001, soak 30 min`, `kept: role db, aside`. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from raglan.changes import named
from raglan.core.errors import BadInput

MOST_GROUPS = 20
MOST_SOAK_MIN = 14 * 24 * 60
SOAK = re.compile(r"(\d{1,5}) ?(min|h|d)")
MINUTES = {"min": 1, "h": 60, "d": 24 * 60}


@dataclass(frozen=True, slots=True)
class Group:
    """A group as somebody wrote it."""

    name: str
    hosts: str = ""
    cluster: str = ""
    role: str = ""
    share: int = 100
    soak_min: int = 0
    is_aside: bool = False
    tag: str = ""

    def fits(self, *, number: int, host: str, cluster: str, role: str, tags: Collection[str] = ()) -> bool:
        """Whether a host is one of it."""
        return (
            (not self.cluster or cluster == self.cluster)
            and (not self.role or role == self.role)
            and (not self.tag or self.tag in tags)
            and number % 100 < self.share
            and fits_pattern(self.hosts, host)
        )


def fits_pattern(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern: a name, or a part of one with a star before, behind or on both sides."""
    words = pattern.strip("*")
    match pattern.startswith("*"), pattern.endswith("*"):
        case True, True:
            return words in name
        case True, False:
            return name.endswith(words)
        case False, True:
            return name.startswith(words)
        case _:
            return not pattern or name == pattern


def in_order(groups: Sequence[Group]) -> list[Group]:
    """Return groups in the order in which hosts are looked for: those kept aside first."""
    return sorted(groups, key=lambda group: not group.is_aside)


def read(text: str) -> list[Group]:
    """Return the groups of a text. Raises BadInput with the line that can not be read."""
    groups = [_line(line.strip()) for line in text.splitlines() if line.strip()]
    check(groups)
    return groups


def check(groups: Sequence[Group]) -> None:
    """Raise BadInput when groups can not be kept."""
    if len(groups) > MOST_GROUPS:
        raise BadInput("groups", f"at most {MOST_GROUPS} groups", status=422)
    for group in groups:
        if not group.name.strip():
            raise BadInput("groups", "each group needs a name", status=422)
        if "*" in group.hosts.strip("*"):
            raise BadInput("groups", "a star may stand before a part of a name, behind it, or both", status=422)
        if not 1 <= group.share <= 100:
            raise BadInput("groups", "a share is from 1 to 100 %", status=422)
        if group.soak_min > MOST_SOAK_MIN:
            raise BadInput("groups", "a group soaks for at most 14 days", status=422)


def _line(line: str) -> Group:
    name, _, rest = line.partition(":")
    found: dict[str, str | int | bool] = {}
    for fact in named.facts(rest):
        word, _, value = fact.partition(" ")
        found |= _fact(word, value.strip(), line)
    return Group(name=name.strip()[:80], **found)  # type: ignore[arg-type]  # each fact has the type of its field


def _fact(word: str, value: str, line: str) -> dict[str, str | int | bool]:
    match word:
        case "host" | "hosts" if value:
            return {"hosts": named.one(value, field="groups")[:120]}
        case "cluster" | "role" | "tag" if value:
            return {word: named.one(value, field="groups")[:120]}
        case "share" if (share := value.removesuffix("%").strip()).isdecimal() and len(share) < 4:
            return {"share": int(share)}
        case "soak" if found := SOAK.fullmatch(value):
            return {"soak_min": int(found[1]) * MINUTES[found[2]]}
        case "aside" if not value:
            return {"is_aside": True}
        case _:
            raise BadInput("groups", f"“{line[:80]}” can not be read at “{word} {value}”"[:200], status=422)


def written(group: Group) -> str:
    """Write a group as it is read."""
    names = (("host", group.hosts), ("cluster", group.cluster), ("role", group.role), ("tag", group.tag))
    facts = [
        *(f"{word} {named.alone(name)}" for word, name in names if name),
        f"share {group.share} %" if group.share != 100 else "",
        f"soak {group.soak_min} min" if group.soak_min else "",
        "aside" if group.is_aside else "",
    ]
    told = ", ".join(fact for fact in facts if fact)
    return f"{group.name}: {told}" if told else group.name
