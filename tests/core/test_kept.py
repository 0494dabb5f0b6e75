"""Connections that are left open: few, not for long, checked like new ones, and never the cause of a second request."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_WR

import pytest

from raglan.config import Config, config
from raglan.core import http, kept
from raglan.core.errors import DeliveryError

Options = Callable[..., None]


class Receiver:
    """A web server that knows by which connection each request came, and may leave without an answer."""

    def __init__(self) -> None:
        self.came: list[tuple[int, bytes]] = []
        self.leaves = False
        self.meets: threading.Barrier | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                said = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((self.client_address[1], said))
                if receiver.leaves:
                    self.close_connection = True
                    return
                if receiver.meets is not None:
                    receiver.meets.wait(60)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- named by the base class
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    @property
    def lines(self) -> int:
        """How many connections there were."""
        return len({port for port, _ in self.came})


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """One that may be reached; no machine is so busy that a connection gets old."""
    monkeypatch.setattr(kept, "IDLE_S", 3600.0)
    monkeypatch.setattr(kept, "AGE_S", 3600.0)
    monkeypatch.setattr(http, "kept", kept.Kept())
    monkeypatch.setattr(http, "config", lambda: config().model_copy(update={"allow_networks": ["127.0.0.0/8"]}))
    there = Receiver()
    threading.Thread(target=there.server.serve_forever, daemon=True).start()
    yield there
    http.kept.forget()
    there.server.shutdown()
    there.server.server_close()


def ask(receiver: Receiver, body: bytes = b"") -> int:
    with http.keeping():
        return http.post(receiver.url, body, {}).status


def the_line() -> kept.Line:
    ((line,),) = http.kept._lines.values()
    return line


def test_a_connection_outlives_one_go_and_serves_another_thread(receiver: Receiver) -> None:
    ask(receiver)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(ask, receiver).result(60) == 200

    assert (len(receiver.came), receiver.lines, len(http.kept)) == (2, 1, 1)


def test_who_does_not_ask_for_it_leaves_none_open_and_uses_none(receiver: Receiver) -> None:
    ask(receiver)
    http.post(receiver.url, b"", {})

    assert (receiver.lines, len(http.kept)) == (2, 1)


@pytest.mark.parametrize("bound", ["IDLE_S", "AGE_S"])
def test_one_that_was_kept_for_long_enough_is_ended(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    ask(receiver)
    line = the_line()
    monkeypatch.setattr(kept, bound, -1.0)
    assert ask(receiver) == 200

    assert receiver.lines == 2
    assert line.connection.sock is None


def test_one_that_nobody_asks_for_is_ended_too(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(receiver)
    line = the_line()
    http.kept._sweep()
    assert len(http.kept) == 1
    monkeypatch.setattr(kept, "IDLE_S", -1.0)

    http.kept._sweep()

    assert (len(http.kept), line.connection.sock) == (0, None)


@pytest.mark.parametrize("bound", ["MOST", "MOST_OF_ONE"])
def test_only_so_many_are_kept(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(kept, bound, 2)
    receiver.meets = threading.Barrier(3)
    with ThreadPoolExecutor(3) as threads:
        assert [one.result(60) for one in [threads.submit(ask, receiver) for _ in range(3)]] == [200] * 3

    assert (receiver.lines, len(http.kept)) == (3, 2)


def test_whether_its_address_may_be_reached_is_looked_at_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(receiver)
    line = the_line()
    strict: Config = config().model_copy(update={"allow_networks": []})
    monkeypatch.setattr(http, "config", lambda: strict)

    with pytest.raises(DeliveryError, match="may not reach"):
        ask(receiver)

    assert (len(receiver.came), line.connection.sock) == (1, None)


def test_when_nothing_was_sent_it_is_asked_once_more_over_a_new_one(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(receiver, b"first")
    the_line().connection.sock.shutdown(SHUT_WR)  # so that nothing can be written
    monkeypatch.setattr(kept.Line, "has_news", False)  # it ends right after that was looked at

    assert ask(receiver, b"second") == 200

    assert [said for _, said in receiver.came] == [b"first", b"second"]
    assert receiver.lines == 2


def test_what_was_sent_is_never_asked_again_here(receiver: Receiver) -> None:
    ask(receiver, b"first")
    receiver.leaves = True

    with pytest.raises(DeliveryError) as caught:
        ask(receiver, b"second")

    assert not caught.value.permanent
    assert [said for _, said in receiver.came] == [b"first", b"second"]
    assert len(http.kept) == 0
