"""Ends a process that is stuck, so that whatever supervises it starts a fresh one.

A plain thread that uses neither the database nor the event loop. A process that was itself held (stopped by a signal,
or a machine that slept) is given its full time again: it was not stuck, the world was.
"""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from raglan.core import logs

TICK_LIMIT_S = 60.0
LOOP_LIMIT_S = 20.0
EVERY_S = 1.0
HELD_S = 3.0
STUCK = 70
log = logs.get("raglan.watchdog")


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life, in monotonic seconds; None means that there is nothing to wait for."""

    loop: float
    tick: float | None = None
    database_since: float | None = None
    writer_lives: bool = True


def complaint(signs: Signs, at: float, *, awake_since: float) -> str:
    """Say what is stuck; empty when all is well. A tick is not missed while the database does not answer."""
    if at - max(signs.loop, awake_since) > LOOP_LIMIT_S:
        return "the event loop does not answer"
    if not signs.writer_lives:
        return "the journal has no writer"
    if signs.tick is None or signs.database_since is None:
        return ""
    if at - max(signs.tick, signs.database_since, awake_since) > TICK_LIMIT_S:
        return "the engine does not go round"
    return ""


class Watchdog:
    """Looks every second; ends the process when something is stuck, or when its ending takes too long."""

    def __init__(self, look: Callable[[], Signs], end: Callable[[int], object] = os._exit) -> None:
        self._look = look
        self._end = end
        self._ends_by: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raglan-watchdog", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def end_by(self, at: float) -> None:
        """From now on only see to it that the process is over by then."""
        self._ends_by = at

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def _run(self) -> None:
        awake_since = before = time.monotonic()
        while not self._over.wait(EVERY_S):
            at = time.monotonic()
            if at - before > EVERY_S + HELD_S:
                awake_since = at
            before = at
            self.look(at, awake_since)

    def look(self, at: float, awake_since: float) -> None:
        """Look once."""
        if self._ends_by is not None:
            if at > self._ends_by:
                log.error("raglan could not end in order; what was under way is done again by the next one")
                self._end(1)
            return
        if words := complaint(self._look(), at, awake_since=awake_since):
            log.critical("raglan is stuck and ends itself", extra={"what": words})
            faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)
            self._end(STUCK)
