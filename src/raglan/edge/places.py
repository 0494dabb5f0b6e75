"""Memory for bodies on their way: a part of it for each pool, and no more of a pool than a share for anybody."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from raglan.core.errors import Overloaded
from raglan.edge.answers import Scope, header


class Places:
    """One pool. Used on the loop only."""

    def __init__(self, most: int, *, share: int) -> None:
        self._free = most
        self._share = share
        self._held: dict[Hashable, int] = {}

    @contextmanager
    def keep(self, who: Hashable, size: int) -> Iterator[None]:
        """Keep memory for the time of a block. Raises Overloaded."""
        if not self.take(who, size):
            raise Overloaded("Too much at once. Send this again.", retry_after=2)
        try:
            yield
        finally:
            self.give_back(who, size)

    def take(self, who: Hashable, size: int) -> bool:
        """Keep memory until it is given back; tell whether there is room."""
        held = self._held.get(who, 0) + size
        if size > self._free or (size and held > self._share):
            return False
        self._free -= size
        self._held[who] = held
        return True

    def give_back(self, who: Hashable, size: int) -> None:
        """Keep it no more."""
        self._free += size
        left = self._held.get(who, 0) - size  # nothing held: one without a body may outlast all that had one
        if left:
            self._held[who] = left
        else:
            self._held.pop(who, None)


def size_of(scope: Scope, most: int) -> int:
    """Return how large a body may become. A request that names neither a length nor an encoding has none."""
    if header(scope, b"transfer-encoding"):
        return most
    said = header(scope, b"content-length")
    return int(said) if said.isdecimal() else 0
