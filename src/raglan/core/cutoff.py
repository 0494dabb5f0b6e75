"""A deadline for a whole conversation over a socket.

A timeout of a socket counts anew with each byte, so that a peer which sends one now and then holds a thread for ever.
One thread watches the moments of all conversations: a thread for each would cost more than most of them.
"""

import heapq
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType

from raglan.core import logs

log = logs.get("raglan.cutoff")


class CutOff:
    """Shuts the watched socket when a moment (monotonic seconds) comes; `struck` says whether it came."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.struck = False
        self.is_over = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def watch(self, connected: socket.socket) -> None:
        """Watch this socket from now on, in place of an earlier one."""
        with self._lock:
            self._socket = connected
            if self.struck:
                self._shut()

    def watch_nothing(self) -> None:
        """Leave the socket to whoever has it next."""
        with self._lock:
            self._socket = None

    def strike(self) -> None:
        """End the conversation, unless it is over."""
        with self._lock:
            if not self.is_over:
                self.struck = True
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it may be closed by now
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # past TLS, which would want to say goodbye

    def __enter__(self) -> "CutOff":
        _watch.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self.is_over = True
            self._socket = None


class Later(CutOff):
    """Something short to do at a moment (monotonic seconds), on the thread that watches."""

    def __init__(self, at: float, do: Callable[[], object]) -> None:
        super().__init__(at)
        self._do = do

    def plan(self) -> None:
        """Have it done."""
        _watch.add(self)

    def strike(self) -> None:
        """Do it."""
        self._do()


class _Watch:
    """The thread that strikes, started with the first conversation."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, CutOff]] = []
        self._numbers = count()
        self._thread: threading.Thread | None = None

    def add(self, cut: CutOff) -> None:
        """Strike when its moment comes."""
        with self._changed:
            if self._thread is None or not self._thread.is_alive():  # none lives on in a child of a fork
                self._thread = threading.Thread(target=self._run, name="raglan-cut-off", daemon=True)
                self._thread.start()
            heapq.heappush(self._waiting, (cut.at, next(self._numbers), cut))
            if self._waiting[0][2] is cut:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            for cut in self._due():
                try:
                    cut.strike()
                except Exception:  # the conversations of all others hang on this thread
                    log.exception("a moment could not be kept")

    def _due(self) -> list[CutOff]:
        """Wait for the next moment; return whose it is. Conversations that are over are left out on the way."""
        with self._changed:
            while self._waiting and self._waiting[0][2].is_over:
                heapq.heappop(self._waiting)
            left = self._waiting[0][0] - time.monotonic() if self._waiting else None
            if left is None or left > 0:
                self._changed.wait(left)
                return []
            return [heapq.heappop(self._waiting)[2]]


_watch = _Watch()
