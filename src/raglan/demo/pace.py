"""The story's clock: real time, run faster, or not waited for at all."""

import time
from collections.abc import Callable
from typing import Literal

Speed = int | Literal["max"]
POLL_S = 0.2


class Pace:
    """Waits for moments of the story. `max` waits for nothing but the server."""

    def __init__(
        self,
        speed: Speed,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed != "max" and speed < 1:
            raise ValueError("speed is 1 or more, or max")
        self._speed, self._sleep, self._clock = speed, sleep, clock
        self._start = clock()

    def begin(self) -> None:
        """Let T be now."""
        self._start = self._clock()

    def wait_for(self, second: int) -> None:
        """Wait until the story has reached a second after T. A moment that is past is not waited for."""
        if self._speed == "max":
            return
        left = self._start + second / self._speed - self._clock()
        if left > 0:
            self._sleep(left)

    def until(self, happened: Callable[[], bool], *, patience_s: float = 15.0) -> bool:
        """Ask again and again until something has happened, in real time; return whether it has."""
        tries = max(1, int(patience_s / POLL_S))
        for _ in range(tries):
            if happened():
                return True
            self._sleep(POLL_S)
        return happened()


def clock_words(second: int) -> str:
    """Return `T+03:30`, or hours and minutes before T."""
    if second < 0:
        return f"T-{-second // 60} min"
    return f"T+{second // 60:02d}:{second % 60:02d}"
