"""Which source a token belongs to: looked up on a thread, remembered for a while, forgotten when a source changes."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from raglan.alerts.ports import SourceKey
from raglan.core import bus
from raglan.core.errors import NotSignedIn
from raglan.core.secrets import digest
from raglan.edge.threads import Threads

KEEP_S = 30.0
MOST = 4_096
Look = Callable[[str], SourceKey]


class Tokens:
    """Remembers by digest, so that no token lies in memory; unknown ones too, so that guessing costs nothing."""

    def __init__(self, threads: Threads, look: Look) -> None:
        self._threads = threads
        self._look = look
        self._known: OrderedDict[str, tuple[float, SourceKey | NotSignedIn]] = OrderedDict()
        self._unsubscribe = bus.subscribe(self._heard)

    async def source(self, token: str) -> SourceKey:
        """Return the source of a token. Raises NotSignedIn."""
        key, book = digest(token), self._known
        known = book.get(key)
        if known is None or time.monotonic() - known[0] > KEEP_S:
            known = time.monotonic(), await self._threads.ask(lambda: self._ask(token))
            book[key] = known  # a book that was put away meanwhile: what was read may be old
            if len(book) > MOST:
                book.popitem(last=False)
        found = known[1]
        if isinstance(found, NotSignedIn):
            raise NotSignedIn(found.sentence)
        return found

    def close(self) -> None:
        """Stop listening."""
        self._unsubscribe()

    def _ask(self, token: str) -> SourceKey | NotSignedIn:
        try:
            return self._look(token)
        except NotSignedIn as error:
            return error

    def _heard(self, names: Sequence[str], event_id: int) -> None:
        """Called on whatever thread committed: one assignment, so that the loop sees the old book or the new one."""
        if any(name == "*" or name.startswith("source:") for name in names):
            self._known = OrderedDict()
