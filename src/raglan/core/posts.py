"""POSTs that one thread has on their way at the same time, each over a kept connection of its own.

A thread that waits for one answer after another sleeps and wakes once for each, and lends the interpreter out as often.
Here it writes several requests, and then reads the answers that have come. Only what is plain goes this way: there is
a connection that was kept, the request is short, and the answer is read as it comes. For all else there is `http.post`.
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


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted, and where."""

    url: str
    body: bytes
    headers: dict[str, str]


def post(one: Post) -> http.Answer:
    """Post one and wait for its answer. Raises DeliveryError."""
    return http.post(one.url, one.body, one.headers)


@dataclass(eq=False, slots=True)
class _Flight(Generic[T]):
    """One that was written: what it is of, by which connection, until when an answer counts (monotonic seconds)."""

    of: T
    server: Server
    line: Line
    ends_at: float
    have: bytearray = field(default_factory=bytearray)
    is_odd: bool = False  # it has to be waited for, and so comes when nothing else is on its way


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
        """Return those that have ended, and how; wait for one for so long at most."""
        at = time.monotonic()
        first = min((flight.ends_at for flight in self._flights.values()), default=at)
        if all(flight.is_odd for flight in self._flights.values()):
            done = [(number, (_read_thoroughly(flight), False)) for number, flight in list(self._flights.items())[:1]]
        else:
            ready = self._poll.poll(max(0.0, min(wait_s, first - at)) * 1000)
            done = [(number, result) for number, _ in ready if (result := self._read(number)) is not None]
        found = [self._end(number, result) for number, result in done]
        if first <= time.monotonic():
            late = [(number, _late(flight)) for number, flight in self._flights.items() if _is_late(flight)]
            found += [self._end(number, result) for number, result in late]
        return found

    def _end(self, number: int, result: tuple[Result, bool]) -> tuple[T, Result]:
        flight, (answer, may_go_on) = self._flights.pop(number), result
        if not flight.is_odd:
            self._poll.unregister(number)
        if may_go_on:
            http.kept.put(flight.server, flight.line)
        else:
            flight.line.connection.close()
        fault_point("http.after_send")
        return flight.of, answer

    def _read(self, number: int) -> tuple[Result, bool] | None:
        """Take what has come; return the answer when it is whole, and whether the connection may take another one."""
        flight = self._flights[number]
        sock = flight.line.connection.sock
        try:
            piece = sock.recv(exchange.PIECE)
            flight.have += piece
            while isinstance(sock, ssl.SSLSocket) and sock.pending():  # of which the poll knows nothing
                flight.have += sock.recv(exchange.PIECE)
            return exchange.answer_in(flight.have, http.MAX_ANSWER, is_end=not piece)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except exchange.NotPlain:
            flight.is_odd = True
            self._poll.unregister(number)
            return None
        except OSError as error:
            return http.not_taken(flight.server, error), False

    def leave(self) -> list[T]:
        """End all connections without waiting any more; return whose they were."""
        left = list(self._flights.values())
        for number, flight in self._flights.items():
            if not flight.is_odd:
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


def _read_thoroughly(flight: _Flight[T]) -> Result:
    sock = flight.line.connection.sock
    sock.settimeout(max(0.1, flight.ends_at - time.monotonic()))
    with CutOff(flight.ends_at) as cut:
        cut.watch(sock)
        try:
            answer, _ = exchange.anew(bytes(flight.have), sock, "POST", http.MAX_ANSWER)
        except (OSError, HTTPException, ValueError) as error:
            is_late = cut.struck or isinstance(error, TimeoutError)
            return http.not_taken(flight.server, TimeoutError(http.TOO_SLOW) if is_late else error)
        return http.not_taken(flight.server, TimeoutError(http.TOO_SLOW)) if cut.struck else answer


def _is_late(flight: _Flight[T]) -> bool:
    return flight.ends_at <= time.monotonic()


def _late(flight: _Flight[T]) -> tuple[Result, bool]:
    return http.not_taken(flight.server, TimeoutError(http.TOO_SLOW)), False
