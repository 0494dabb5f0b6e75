"""The only clock.

`now()` is the wall time at start plus the time that has passed since then, so that a jump of the machine's clock
neither skips nor repeats a wait. The time that passed includes a sleep of the machine. `drift()` says how far the wall
clock has moved away since. Calendars read the same instant through a named zone.
"""

import threading
import time
from datetime import UTC, datetime, timedelta

_BOOT = getattr(time, "CLOCK_BOOTTIME", None)  # looked up once: every request and every row asks for the time


def passed() -> float:
    """Return seconds that only ever grow, and grow while the machine sleeps where the system can tell."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


class AnchoredClock:
    """Wall time at an anchor plus monotonic seconds since it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moved = timedelta()
        self.anchor()

    def anchor(self) -> None:
        """Take the wall clock's word as of now."""
        self._wall = datetime.now(UTC)
        self._passed = passed()

    def now(self) -> datetime:
        """Return the anchored time, aware and in UTC."""
        return self._wall + timedelta(0, passed() - self._passed) + self._moved  # by its name it takes twice as long

    def drift(self) -> timedelta:
        """Return how far the wall clock is ahead of the anchored one."""
        return datetime.now(UTC) + self._moved - self.now()

    @property
    def moved(self) -> timedelta:
        """How far tests have moved this clock."""
        return self._moved

    def move(self, by: timedelta) -> None:
        """Move time for a test or a simulation; it moves until moved back."""
        with self._lock:
            self._moved += by


CLOCK = AnchoredClock()


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return CLOCK.now()
