"""A deadline of our own on every wait for the database.

A frozen server keeps its clients waiting for ever: the kernel below it goes on acknowledging, so keep-alives see
nothing, and the server's own `statement_timeout` does not cover a commit that waits for a standby. Cancelling such a
commit answers success. So one thread of ours watches all waits and shuts the socket of the one that is late.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

DEFAULT_SECONDS = 10.0
# What is left for the rollback of a block whose time is over.
LEAST_SECONDS = 0.1


class _Limit(threading.local):
    """The monotonic time by which this thread's present block must be over."""

    until: float | None = None
    is_off: bool = False


_limit = _Limit()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let everything asked of the database in this block be over after so many seconds, all statements together.

    An outer, nearer deadline stays. SQLite has no need of this and ignores it.
    """
    before = _limit.until, _limit.is_off
    until = time.monotonic() + seconds
    _limit.until = until if _limit.until is None else min(until, _limit.until)
    _limit.is_off = False
    try:
        yield
    finally:
        _limit.until, _limit.is_off = before


@contextmanager
def no_deadline() -> Iterator[None]:
    """Lift the deadline for work that may take long by nature, such as a migration."""
    before = _limit.until, _limit.is_off
    _limit.until, _limit.is_off = None, True
    try:
        yield
    finally:
        _limit.until, _limit.is_off = before


def seconds_left() -> float | None:
    """Give the seconds that the next statement of this thread may take; None means no deadline."""
    if _limit.is_off:
        return None
    if _limit.until is None:
        return DEFAULT_SECONDS
    return min(DEFAULT_SECONDS, max(LEAST_SECONDS, _limit.until - time.monotonic()))


class Watch:
    """One wait that is being watched."""

    __slots__ = ("due", "socket", "struck")

    def __init__(self, guard: socket.socket, due: float) -> None:
        self.socket = guard
        self.due = due
        self.struck = False


class Watchdog:
    """One thread that shuts the sockets of waits that are late."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def begin(self, guard: socket.socket, seconds: float) -> Watch:
        """Watch a wait on this socket; call `end` when it is over."""
        watch = Watch(guard, time.monotonic() + seconds)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="raglan-db-watchdog", daemon=True)
                self._thread.start()
            self._watches.add(watch)
            if watch.due < self._wakes_at:
                # Only then: with equal deadlines the thread wakes once in ten seconds, however many statements run.
                self._changed.notify()
        return watch

    def end(self, watch: Watch) -> None:
        """Stop watching; once this returns the socket is not touched any more."""
        with self._changed:
            self._watches.discard(watch)

    def _run(self) -> None:
        with self._changed:
            while True:
                self._strike_late_ones()
                self._wakes_at = min((watch.due for watch in self._watches), default=math.inf)
                self._changed.wait(None if math.isinf(self._wakes_at) else max(0.0, self._wakes_at - time.monotonic()))

    def _strike_late_ones(self) -> None:
        now = time.monotonic()
        for watch in [watch for watch in self._watches if watch.due <= now]:
            self._watches.discard(watch)
            watch.struck = True
            with suppress(OSError):
                watch.socket.shutdown(socket.SHUT_RDWR)


watchdog = Watchdog()


def _renew_after_fork() -> None:
    """Forget the parent's thread and lock, neither of which lives on in a forked child."""
    watchdog.__init__()  # type: ignore[misc]  # the object is imported elsewhere, so it must stay the same one


os.register_at_fork(after_in_child=_renew_after_fork)
