"""Which source a token belongs to: looked up on a thread, remembered for a while, forgotten when a source changes."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from raglan.core import bus
from raglan.core.errors import NotSignedIn, Overloaded
from raglan.core.secrets import digest
from raglan.edge.threads import Threads

KEEP_S = 30.0
MOST = 4_096
K = TypeVar("K")


class Tokens(Generic[K]):
    """Remembers by digest, so that no token lies in memory; unknown ones too, so that guessing costs nothing.

    Names on the bus that begin with `kind` tell that a source changed.
    """

    def __init__(
        self,
        threads: Threads,
        look: Callable[[str], K],
        *,
        is_away: Callable[[], bool] = lambda: False,
        kind: str = "source:",
    ) -> None:
        self._threads = threads
        self._look = look
        self._is_away = is_away
        self._kind = kind
        self._known: OrderedDict[str, tuple[float, K | NotSignedIn]] = OrderedDict()
        self._before: OrderedDict[str, tuple[float, K | NotSignedIn]] = OrderedDict()
        self._unsubscribe = bus.subscribe(self._heard)

    def known(self, key: str) -> K | None:
        """Return the source of a token, given by its digest, when it needs no look-up now."""
        known = self._known.get(key)
        if known is None or isinstance(known[1], NotSignedIn) or time.monotonic() - known[0] > KEEP_S:
            return None
        return known[1]

    async def source(self, token: str) -> K:
        """Return the source of a token. Raises NotSignedIn."""
        key, book = digest(token), self._known
        known = book.get(key)
        if known is None or time.monotonic() - known[0] > KEEP_S:
            known = await self._fresh(token, known or self._before.get(key))
            book[key] = known  # a book that was put away meanwhile: what was read may be old
            if len(book) > MOST:
                book.popitem(last=False)
        found = known[1]
        if isinstance(found, NotSignedIn):
            raise NotSignedIn(found.sentence)
        return found

    async def _fresh(self, token: str, known: tuple[float, K | NotSignedIn] | None) -> tuple[float, K | NotSignedIn]:
        """Look a token up; while the database is away, what was known of it holds."""
        if known is not None and self._is_away():
            return known
        try:
            return time.monotonic(), await self._threads.ask(lambda: self._ask(token))
        except Overloaded:
            if known is None:
                raise
            return known

    def close(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def _ask(self, token: str) -> K | NotSignedIn:
        try:
            return self._look(token)
        except NotSignedIn as error:
            return error

    def _heard(self, names: Sequence[str], event_id: int) -> None:
        """Called on whatever thread committed: one assignment, so that the loop sees the old book or the new one."""
        if any(name.startswith(self._kind) for name in names):
            self._known, self._before = OrderedDict(), OrderedDict()
        elif "*" in names:  # anything may have happened while nothing was heard, such as while the database was away
            before = [*self._before.items(), *self._known.items()]
            self._known, self._before = OrderedDict(), OrderedDict(before[-MOST:])
