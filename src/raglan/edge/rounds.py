"""What changed lately, in rounds of one short window each, for readers who missed some of them.

It is bounded by rounds and by the names in them: a storm changes thousands of things in a second, and whoever missed
that many loads anew sooner than reads them.
"""

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

ROUNDS, NAMES = 512, 20_000

# How somebody sees what everybody may read: who sees it alike is told alike. None: only names are told.
Sight = Hashable
Seen = tuple[str, Sight]


@dataclass(frozen=True, slots=True)
class Told:
    """What can be told of a round in so many words: for each topic and sight, and which topics need no more.

    Those who see it in a way of their own are told the names only.
    """

    words: Mapping[Seen, str] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    but: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Happenings:
    """What changed in one window, before it is told: names, events that were heard of, and the newest before them."""

    names: frozenset[str]
    events: tuple[int, ...]
    after: int
    wanted: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What changed in one window."""

    number: int
    newest: int
    names: frozenset[str]
    told: Told = Told()


class Rounds:
    """The last rounds, the newest of them always."""

    def __init__(self) -> None:
        self._kept: deque[Round] = deque()
        self._names = 0

    @property
    def newest(self) -> Round | None:
        """The last one."""
        return self._kept[-1] if self._kept else None

    def add(self, new: Round) -> None:
        """Know one more; the oldest go when they are too many, or name too much."""
        self._kept.append(new)
        self._names += len(new.names)
        while len(self._kept) > 1 and (len(self._kept) > ROUNDS or self._names > NAMES):
            self._names -= len(self._kept.popleft().names)

    def last(self, count: int) -> list[Round] | None:
        """Return so many, the newest first; None when some of them are gone."""
        if count > len(self._kept):
            return None
        return [self._kept[-place] for place in range(1, count + 1)]
