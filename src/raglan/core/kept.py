"""Connections that were left open after an answer, for whoever asks the same server next.

They are few, and kept for less time than nearly any server waits, so that it is nearly always we who end them. A
connection leads to the address that was checked when it was made; that it may be reached is looked at again, and it is
too young to outlive a name that moves.
"""

import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection

from raglan.core.cutoff import Later

MOST, MOST_OF_ONE = 32, 8
IDLE_S, AGE_S = 1.5, 20.0
Server = tuple[str, str, int]  # scheme, name, port


@dataclass(slots=True)
class Line:
    """An open connection, the address that it leads to, and since when (monotonic seconds)."""

    connection: HTTPConnection
    address: str
    since: float
    idle_since: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it was kept for long enough."""
        at = time.monotonic()
        return at - self.idle_since > IDLE_S or at - self.since > AGE_S

    @property
    def has_news(self) -> bool:
        """Whether the other side has ended it or said something unasked."""
        news = select.poll()
        news.register(self.connection.sock, select.POLLIN)
        return bool(news.poll(0))


class Kept:
    """Open connections by server; each is one caller's from when it is taken until it is put back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[Server, list[Line]] = {}
        self._is_watched = False

    def __len__(self) -> int:
        return sum(len(lines) for lines in self._lines.values())

    def has(self, server: Server) -> bool:
        """Tell whether a connection to a server is kept; it may be over by now."""
        return server in self._lines

    def take(self, server: Server, may_reach: Callable[[str], bool]) -> Line | None:
        """Return the connection to a server that was used last, if one is as it was left and may still be used."""
        while (line := self._pop(server)) is not None:
            if not line.is_over and not line.has_news and may_reach(line.address):
                return line
            line.connection.close()
        return None

    def _pop(self, server: Server) -> Line | None:
        with self._lock:
            lines = self._lines.get(server)
            line = lines.pop() if lines else None
            if not lines:
                self._lines.pop(server, None)
            return line

    def put(self, server: Server, line: Line) -> None:
        """Keep a connection whose answer was read to its end, while there is room."""
        line.idle_since = time.monotonic()
        with self._lock:
            lines = self._lines.setdefault(server, [])
            has_room = len(self) < MOST and len(lines) < MOST_OF_ONE
            if has_room:
                lines.append(line)
            elif not lines:
                del self._lines[server]
            watch, self._is_watched = has_room and not self._is_watched, self._is_watched or has_room
        if not has_room:
            line.connection.close()
        if watch:
            self._watch()

    def _watch(self) -> None:
        Later(time.monotonic() + IDLE_S, self._sweep).plan()

    def _sweep(self) -> None:
        """End what is over, and look again while there is anything."""
        with self._lock:
            over = [line for lines in self._lines.values() for line in lines if line.is_over]
            left = {server: [line for line in lines if line not in over] for server, lines in self._lines.items()}
            self._lines = {server: lines for server, lines in left.items() if lines}
            goes_on = self._is_watched = bool(self._lines)
        for line in over:
            line.connection.close()
        if goes_on:
            self._watch()

    def forget(self) -> None:
        """End them all."""
        with self._lock:
            lines, self._lines = [line for lines in self._lines.values() for line in lines], {}
        for line in lines:
            line.connection.close()
