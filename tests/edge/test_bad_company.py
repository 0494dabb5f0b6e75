"""Slow, half-open and greedy clients: none of them holds a thread, a connection or the disk for long."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from raglan.edge import body, bridge, protocol
from raglan.edge.bridge import Bridge, StartResponse, WsgiApp
from tests.edge.loopback import Loopback, listening, rest_of, until
from tests.support.pace import timed

MIB = 1024 * 1024
Environ = dict[str, object]


@contextmanager
def bridged(app: WsgiApp, *, threads: int = 1) -> Iterator[tuple[Loopback, Bridge]]:
    made = Bridge(app, threads=threads)
    try:
        with listening(made) as loopback:
            yield loopback, made
    finally:
        assert made.close(60)


def saying(word: bytes, seen: list[object] | None = None) -> WsgiApp:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if seen is not None:
            seen.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", str(len(word)))])
        return [word]

    return app


class Endless:
    """A download without an end, which knows when it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self if environ["PATH_INFO"] == "/endless" else [b"free"]

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    def close(self) -> None:
        self.closed.set()


def deaf(loopback: Loopback, ask: bytes) -> socket.socket:
    """Ask for something and never read the answer."""
    plug = socket.socket()
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plug.connect(("127.0.0.1", loopback.port))
    plug.sendall(ask)
    return plug


def test_a_client_that_does_not_read_frees_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "STALL_S", 0.3)
    endless = Endless()
    with bridged(endless) as (loopback, _), deaf(loopback, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert endless.closed.wait(60)
        assert loopback.get("/")[2] == b"free"


def test_a_page_that_nobody_reads_holds_no_thread_at_all() -> None:
    page = b"x" * (900 * 1024)
    with bridged(saying(page)) as (loopback, _), deaf(loopback, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
        with timed() as pace:
            assert loopback.get("/")[2] == page
        assert pace.s < bridge.STALL_S / 2


def test_a_body_that_stops_coming_is_given_up_and_the_app_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "IDLE_S", 0.2)
    seen: list[object] = []
    with bridged(saying(b"ok", seen)) as (loopback, _):
        with loopback.raw(b"POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf") as plug:
            assert rest_of(plug).startswith(b"HTTP/1.1 408 ")
        assert loopback.get("/")[2] == b"ok"
    assert seen == ["/"]


def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten() -> None:
    seen: list[object] = []
    with bridged(saying(b"ok", seen)) as (loopback, _):
        loopback.raw(b"POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").close()
        assert loopback.get("/")[2] == b"ok"
    assert seen == ["/"]


def test_so_many_large_bodies_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "LARGE_AT_ONCE", 1)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (3 * MIB)
    with bridged(saying(b"ok")) as (loopback, _), loopback.raw(head + b"x" * (2 * MIB)) as first:
        until(lambda: answer_to(loopback, head).startswith(b"HTTP/1.1 503 "))
        first.sendall(b"x" * MIB)
        assert first.recv(100).startswith(b"HTTP/1.1 200 ")
        until(lambda: answer_to(loopback, head).startswith(b"HTTP/1.1 200 "))


def answer_to(loopback: Loopback, head: bytes) -> bytes:
    with loopback.raw(head + b"x" * (3 * MIB)) as plug:
        return plug.recv(100)


def test_a_refused_body_may_be_finished_and_the_answer_is_heard() -> None:
    ask = b"POST / HTTP/1.1\r\nHost: a\r\nX-Long: %s\r\nContent-Length: %d\r\n\r\n" % (b"a" * 9000, 4 * MIB)
    with bridged(saying(b"ok")) as (loopback, _), loopback.raw(ask) as plug:
        for _ in range(4):  # the server has refused by now, and still takes what comes
            plug.sendall(b"x" * MIB)
        assert rest_of(plug).startswith(b"HTTP/1.1 431 ")


def test_a_refused_body_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LINGER_S", 0.2)
    ask = b"POST / HTTP/1.1\r\nHost: a\r\nX-Long: %s\r\nContent-Length: 1000\r\n\r\n" % (b"a" * 9000)
    with bridged(saying(b"ok")) as (loopback, _), loopback.raw(ask) as plug:
        assert rest_of(plug).startswith(b"HTTP/1.1 431 ")
        until(lambda: is_cut(plug))


def is_cut(plug: socket.socket) -> bool:
    try:
        plug.sendall(b"x")
    except OSError:
        return True
    return False


@pytest.mark.parametrize(
    "ask",
    [
        b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_proper_http_is_a_400_and_harms_nobody(ask: bytes) -> None:
    with bridged(saying(b"ok")) as (loopback, _):
        with loopback.raw(ask) as plug:
            plug.shutdown(socket.SHUT_WR)
            assert rest_of(plug).startswith(b"HTTP/1.1 400 ")
        assert loopback.get("/")[2] == b"ok"


def test_requests_wait_until_the_app_is_loaded() -> None:
    loaded: list[str] = []
    gate = threading.Event()

    def load() -> None:
        gate.wait(60)
        loaded.append("done")

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b",".join(word.encode() for word in loaded)]

    with bridged(app, threads=2) as (loopback, made):
        loopback.on_loop(lambda: made.load(load))
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(loopback.get("/")[2]))
        asking.start()
        threading.Event().wait(0.2)
        assert answers == []
        gate.set()
        asking.join(60)
    assert answers == [b"done"]


def test_a_closed_bridge_says_when_to_come_back() -> None:
    with bridged(saying(b"ok")) as (loopback, made):
        assert made.close(60)
        status, headers, _ = loopback.get("/")
    assert (status, headers["retry-after"]) == (503, "2")
