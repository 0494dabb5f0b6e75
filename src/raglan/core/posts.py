"""POSTs that one thread has on their way at the same time, each over a kept connection of its own.

A thread that waits for one answer after another sleeps and wakes once for each, and lends the interpreter out as often.
Here it writes several requests, and then reads the answers that have come. Only what is plain goes this way: there is
a connection that was kept, and the request is short. For all else there is `http.post`. Answers are read as they come,
and nobody waits for one of them: an odd one is collected until the standard library finds it whole.
"""

import select
import ssl
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Generic, TypeVar

from raglan.config import config
from raglan.core import exchange, http
from raglan.core.cutoff import CutOff
from raglan.core.db import fault_point, in_write
from raglan.core.errors import DeliveryError
from raglan.core.kept import Line, Server

T = TypeVar("T")
MOST_LOOKS = 50  # at an odd answer in small pieces; then only at its end
MOST_ENDS = 5  # that only look so: whoever sends more of them is read when its time is over
MOST_PLAIN = http.MAX_ANSWER + exchange.MOST_HEAD  # of what is not in small chunks, no more is wanted
MOST_HELD = 2 * http.MAX_ANSWER
LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted, and where."""

    url: str
    body: bytes
    headers: dict[str, str]


def post(one: Post) -> http.Answer:
    """Post one and wait for its answer. Raises DeliveryError."""
    return http.post(one.url, one.body, one.headers)


def has_line(url: str) -> bool:
    """Tell whether a connection is kept by which something could be posted there at once."""
    return http.kept.has(http.place_of(url)[0])


@dataclass(eq=False, slots=True)
class _Flight(Generic[T]):
    """One that was written: what it is of, by which connection, until when an answer counts (monotonic seconds)."""

    of: T
    server: Server
    line: Line
    ends_at: float
    have: bytearray = field(default_factory=bytearray)
    is_odd: bool = False  # the standard library reads its answer, from what has come
    looks: int = 0  # so many pieces came of an odd one
    ends: int = 0  # so many of them, after the first ones, looked like the last


Result = http.Answer | DeliveryError


class Posts(Generic[T]):
    """What one thread has on its way. Connections that may be kept are kept; `http.keeping` is of no matter here."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._flights: dict[int, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def begin(self, one: Post, of: T) -> bool:
        """Write one over a kept connection. False where that can not be: nothing is written. Raises DeliveryError."""
        if in_write():
            raise RuntimeError("no network inside a transaction")
        server, path = http.place_of(one.url)
        line = http.kept.take(server, http.may_reach) if len(one.body) <= exchange.ONE_RECORD else None
        if line is None:
            return False
        headers = {**http.OUR_NAME, **one.headers}
        head = exchange.head_of(line.connection, exchange.Request("POST", path, one.body, headers))
        if head is None:
            http.kept.put(server, line)
            return False
        flight = _Flight(of, server, line, time.monotonic() + config().send_deadline_s)
        fault_point("http.before_send")
        try:
            _write(flight, head + one.body)
        except exchange.NothingSent:
            line.connection.close()
            return False
        except OSError as error:
            line.connection.close()
            raise http.not_taken(server, error) from None
        number = line.connection.sock.fileno()
        self._flights[number] = flight
        self._poll.register(number, select.POLLIN)
        return True

    def ended(self, wait_s: float) -> list[tuple[T, Result]]:
        """Return those that have ended, and how; wait for one for so long at most. What has come is not late."""
        at = time.monotonic()
        first = min((flight.ends_at for flight in self._flights.values()), default=at)
        ready = self._poll.poll(max(0.0, min(wait_s, first - at)) * 1000)
        done = [(number, result) for number, _ in ready if (result := _read(self._flights[number])) is not None]
        found = [self._end(number, result) for number, result in done]
        if first <= time.monotonic():
            late = [(number, _read_last(flight)) for number, flight in self._flights.items() if _is_late(flight)]
            found += [self._end(number, result) for number, result in late]
        return found

    def _end(self, number: int, result: tuple[Result, bool]) -> tuple[T, Result]:
        flight, (answer, may_go_on) = self._flights.pop(number), result
        self._poll.unregister(number)
        if may_go_on:
            http.kept.put(flight.server, flight.line)
        else:
            flight.line.connection.close()
        fault_point("http.after_send")
        return flight.of, answer

    def leave(self) -> list[T]:
        """End all connections without waiting any more; return whose they were."""
        left = list(self._flights.values())
        for number, flight in self._flights.items():
            self._poll.unregister(number)
            flight.line.connection.close()
        self._flights.clear()
        return [flight.of for flight in left]


def _write(flight: _Flight[T], data: bytes) -> None:
    """Write all. Raises NothingSent as long as the other side has none of it."""
    sock = flight.line.connection.sock
    sent = 0
    if not isinstance(sock, ssl.SSLSocket):
        sock.settimeout(0.0)
        try:
            sent = sock.send(data)
        except BlockingIOError:
            pass
        except ConnectionError as error:
            raise exchange.NothingSent(*error.args) from None
    if sent < len(data):
        _write_slowly(flight, data, sent)
    sock.settimeout(0.0)


def _write_slowly(flight: _Flight[T], data: bytes, sent: int) -> None:
    """Write the rest, however often the other side has to make room."""
    sock = flight.line.connection.sock
    sock.settimeout(max(0.1, flight.ends_at - time.monotonic()))
    with CutOff(flight.ends_at) as cut:
        cut.watch(sock)
        try:
            if sent:
                sock.sendall(data[sent:])
            else:
                exchange.send(sock, data)
        except OSError:
            if cut.struck:
                raise TimeoutError(http.TOO_SLOW) from None
            raise


def _read(flight: _Flight[T]) -> tuple[Result, bool] | None:
    """Take what has come; return the answer when it is whole, and whether the connection may take another one."""
    try:
        return _take(flight)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    except OSError as error:
        return http.not_taken(flight.server, error), False


def _read_last(flight: _Flight[T]) -> tuple[Result, bool]:
    """Take all that has come when nothing more counts."""
    try:
        while (found := _take(flight)) is None:
            pass
        return found
    except (BlockingIOError, ssl.SSLWantReadError):
        found = _read_anew(flight, is_end=False) if flight.is_odd else None
        return found or (http.not_taken(flight.server, TimeoutError(http.TOO_SLOW)), False)
    except OSError as error:
        return http.not_taken(flight.server, error), False


def _take(flight: _Flight[T]) -> tuple[Result, bool] | None:
    """Take one piece. Raises OSError."""
    sock, before = flight.line.connection.sock, len(flight.have)
    piece = sock.recv(exchange.PIECE)
    flight.have += piece
    while isinstance(sock, ssl.SSLSocket) and sock.pending():  # of which the poll knows nothing
        flight.have += sock.recv(exchange.PIECE)
    try:
        if not flight.is_odd:
            return exchange.answer_in(flight.have, http.MAX_ANSWER, is_end=not piece)
    except exchange.NotPlain:
        flight.is_odd = True
    is_end = not piece or len(flight.have) > MOST_HELD
    is_enough = before <= MOST_PLAIN < len(flight.have)
    return _read_anew(flight, is_end=is_end) if is_end or is_enough or _may_be_whole(flight) else None


def _may_be_whole(flight: _Flight[T]) -> bool:
    """Tell whether an odd answer is worth a look: each is from its beginning."""
    flight.looks += 1
    if flight.looks <= MOST_LOOKS:
        return True
    seems = flight.have.endswith(LAST_CHUNK)
    flight.ends += seems
    return seems and flight.ends <= MOST_ENDS


def _read_anew(flight: _Flight[T], *, is_end: bool) -> tuple[Result, bool] | None:
    """Let the standard library read what has come, from its beginning; None when that is not all."""
    try:
        return exchange.whole_in(bytes(flight.have), "POST", http.MAX_ANSWER, is_end=is_end), False
    except exchange.NotAll:
        return None
    except (OSError, HTTPException, ValueError) as error:
        return http.not_taken(flight.server, error), False


def _is_late(flight: _Flight[T]) -> bool:
    return flight.ends_at <= time.monotonic()
