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


class Rounds:
    """The names of the last rounds, the newest always, and what is told of it. Nobody reads older ones."""

    def __init__(self) -> None:
        self.told = Told()
        self._kept: deque[frozenset[str]] = deque()
        self._names = 0

    def add(self, names: frozenset[str], told: Told) -> None:
        """Know one more; the oldest go when they are too many, or name too much."""
        self.told = told
        self._kept.append(names)
        self._names += len(names)
        while len(self._kept) > 1 and (len(self._kept) > ROUNDS or self._names > NAMES):
            self._names -= len(self._kept.popleft())

    def names(self, count: int) -> frozenset[str] | None:
        """Return what changed in so many of the last rounds; None when some of them are gone."""
        if count > len(self._kept):
            return None
        return frozenset[str]().union(*(self._kept[-place] for place in range(1, count + 1)))
