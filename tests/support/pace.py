"""How long something takes, without the time in which the machine stood still or worked for others.

A bound on time is a promise of the code. A machine that is busy, or paused for some seconds, says nothing of the code:
a thread beside it sees by how much its own short sleeps are late, and that is taken off.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TICK_S, MOMENT_S = 0.02, 0.05


@dataclass
class Pace:
    """A time that is being taken, in seconds; `s` is set at the end of the block."""

    s: float = 0.0
    late_s: float = 0.0


@contextmanager
def timed() -> Iterator[Pace]:
    """Take the time of a block."""
    pace, over = Pace(), threading.Event()
    watching = threading.Thread(target=_watch, args=(pace, over), daemon=True)
    began = time.monotonic()
    watching.start()
    try:
        yield pace
    finally:
        over.set()
        watching.join()
        pace.s = time.monotonic() - began - pace.late_s


def _watch(pace: Pace, over: threading.Event) -> None:
    while True:
        began = time.monotonic()
        is_over = over.wait(TICK_S)
        pace.late_s += max(0.0, time.monotonic() - began - TICK_S)
        if is_over:
            return


class SteadyLoop(asyncio.SelectorEventLoop):
    """A loop whose clock hardly moves while the machine stands still: what comes first by its timers comes first."""

    def __init__(self) -> None:
        super().__init__()
        self._seen, self._passed = time.monotonic(), 0.0

    def time(self) -> float:
        """Return seconds, of which a pause counts as a moment."""
        seen = time.monotonic()
        self._passed += min(seen - self._seen, MOMENT_S)
        self._seen = seen
        return self._passed
