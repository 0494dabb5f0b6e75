"""After you: a thread that answers a screen lets those who watch hear what it changed before it goes on.

One thread at a time runs Python. While thousands wait to be told, the rest of one answer would stand before each of
them; the other way round one reader waits a few hundredths of a second longer.
"""

import threading
from collections.abc import Callable

MOST_S = 0.1


class _Courteous(threading.local):
    """Whether this thread answers a screen; what pages and what takes alerts never waits."""

    def __init__(self) -> None:
        self.is_so = False


_thread = _Courteous()


def courteously(work: Callable[[], None]) -> None:
    """Do the work of a screen; within it `is_due` holds."""
    _thread.is_so = True
    try:
        work()
    finally:
        _thread.is_so = False


def is_due() -> bool:
    """Tell whether this thread may be asked to wait."""
    return _thread.is_so


class Turn:
    """What a thread waits for: until all have been told, or there is nothing to wait for, for a tenth of a second."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def wait(self) -> None:
        """Wait."""
        self._over.wait(MOST_S)

    def give_back(self) -> None:
        """Let the thread go on."""
        self._over.set()
