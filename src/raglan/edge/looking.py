"""A thread that looks at something again and again, until it is told to stop."""

import threading
from collections.abc import Callable

from django.db import connections


class Looking:
    """Calls `look` every so many seconds. What `look` raises ends the thread: it has to take care of that itself."""

    def __init__(self, name: str, look: Callable[[], object], *, every_s: float) -> None:
        self._look = look
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin looking."""
        self._thread.start()

    def stop(self, timeout: float = 0.0) -> None:
        """Look no more, and wait so long for a look that is under way."""
        self._stopping.set()
        if timeout and self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self._look()
        connections.close_all()
