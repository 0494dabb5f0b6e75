"""A fixed number of threads with a bounded line before them.

Not a `ThreadPoolExecutor`: that one waits for its threads when the process ends, so that one stuck call would keep a
process from ending, and its line has no bound.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, connections

from raglan.core.errors import Overloaded

T = TypeVar("T")
Work = Callable[[], None]


class Threads:
    """Daemon threads that do work in the order of its arrival."""

    def __init__(self, name: str, count: int, *, line: int) -> None:
        self._line: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._most = count + line
        self._taken = 0
        self._lock = threading.Lock()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"raglan-{name}-{index}", daemon=True) for index in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def taken(self) -> int:
        """How much work is being done or waits."""
        return self._taken

    def give(self, work: Work) -> None:
        """Have work done. It must not raise. Raises Overloaded when the line is full."""
        with self._lock:
            if self._stopping:
                raise Overloaded("raglan is shutting down. Try again in a few seconds.", retry_after=2)
            if self._taken >= self._most:
                raise Overloaded("Too much at once. Try again in a few seconds.", retry_after=2)
            self._taken += 1
        self._line.put(work)

    async def ask(self, question: Callable[[], T]) -> T:
        """Wait for an answer that needs the database; connections that went bad are renewed first.

        Raises what the question raises; Overloaded when the database does not answer.
        """
        future: Future[T] = Future()

        def answer() -> None:
            if not future.set_running_or_notify_cancel():
                return
            close_old_connections()
            try:
                future.set_result(question())
            except BaseException as error:  # whoever asked gets it
                future.set_exception(error)
            finally:
                close_old_connections()

        self.give(answer)
        try:
            return await asyncio.wrap_future(future)
        except (OperationalError, InterfaceError) as error:
            raise Overloaded("The database does not answer. Try again in a few seconds.") from error

    def stop(self, timeout: float = 0.0) -> bool:
        """Take nothing more, finish what waits; return whether that was done in time."""
        with self._lock:
            self._stopping = True
        for _ in self._threads:
            self._line.put(None)
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (work := self._line.get()) is not None:
            try:
                work()
            finally:
                with self._lock:
                    self._taken -= 1
        connections.close_all()
