"""The bridge from ASGI to WSGI, behind a real uvicorn on loopback."""

import hashlib
import json
import select
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse, IncompleteRead
from tempfile import SpooledTemporaryFile

import pytest

from raglan.edge import protocol
from raglan.edge.bridge import Bridge, StartResponse, WsgiApp
from tests.edge.loopback import Loopback, listening, rest_of, until

Environ = dict[str, object]
MIB = 1024 * 1024
PIECE = b"x" * 65536


@contextmanager
def bridged(app: WsgiApp, *, threads: int = 2, **options: int) -> Iterator[Loopback]:
    bridge = Bridge(app, threads=threads, **options)
    try:
        with listening(bridge) as loopback:
            yield loopback
    finally:
        bridge.close()


def answering(body: Callable[[Environ], object]) -> WsgiApp:
    """Make an app that answers a value as JSON."""

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        data = json.dumps(body(environ)).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    return app


def streaming(pieces: Callable[[], Iterable[bytes]]) -> WsgiApp:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return pieces()

    return app


def digest(environ: Environ) -> dict[str, object]:
    body = environ["wsgi.input"]
    assert isinstance(body, SpooledTemporaryFile)
    found = hashlib.sha256()
    size = 0
    while piece := body.read(65536):
        found.update(piece)
        size += len(piece)
    return {
        "sha": found.hexdigest(),
        "size": size,
        "in_file": getattr(body, "_rolled", None),
        "length": environ["CONTENT_LENGTH"],
    }


def test_a_large_body_goes_to_a_file_and_never_whole_into_memory() -> None:
    size = 24 * MIB
    with bridged(answering(digest)) as loopback:
        opened = loopback.raw(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
        tracemalloc.start()
        try:
            for _ in range(size // len(PIECE)):
                opened.sendall(PIECE)
            text = rest_of(opened)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            opened.close()
    said = json.loads(text.partition(b"\r\n\r\n")[2])
    expected = hashlib.sha256(PIECE * (size // len(PIECE))).hexdigest()
    assert said == {"sha": expected, "size": size, "in_file": True, "length": str(size)}
    assert peak < 6 * MIB


def test_a_small_body_stays_in_memory() -> None:
    with bridged(answering(digest)) as loopback:
        client = loopback.client()
        client.request("POST", "/", body=b"y" * 1000)
        said = json.loads(client.getresponse().read())
        client.close()
    assert said["in_file"] is False
    assert said["size"] == 1000


def test_a_body_in_chunks_arrives_whole_and_with_its_length() -> None:
    with bridged(answering(digest)) as loopback:
        client = loopback.client()
        client.request("POST", "/", body=iter([b"one", b"two", b"three"]), encode_chunked=True)
        said = json.loads(client.getresponse().read())
        client.close()
    assert said["sha"] == hashlib.sha256(b"onetwothree").hexdigest()
    assert said["length"] == "11"


def test_a_download_waits_for_its_reader() -> None:
    made = []

    def pieces() -> Iterator[bytes]:
        for _ in range(1024):
            made.append(1)
            yield PIECE

    with bridged(streaming(pieces)) as loopback:
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        opened.connect(("127.0.0.1", loopback.port))
        opened.settimeout(60)
        opened.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        until(lambda: made)
        before = -1
        while before != len(made):  # it has come to a stand when two looks agree
            before = len(made)
            threading.Event().wait(0.3)
        assert before < 256, "more than 16 MiB were made for a client that reads nothing"
        answer = HTTPResponse(opened)
        answer.begin()
        received = sum(len(piece) for piece in iter(lambda: answer.read(65536), b""))
        opened.close()
    assert received == 1024 * len(PIECE)


class Endless:
    """A stream without an end that knows when it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield PIECE

    def close(self) -> None:
        self.closed.set()


def test_when_a_client_goes_away_the_iterator_is_closed_and_the_thread_is_free_again() -> None:
    endless = Endless()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return endless if environ["PATH_INFO"] == "/endless" else [b"free"]

    with bridged(app, threads=1) as loopback:
        opened = loopback.raw(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert opened.recv(1000)
        assert not endless.closed.is_set()
        opened.close()
        assert endless.closed.wait(60)
        assert loopback.get("/")[2] == b"free"


def test_the_iterator_is_closed_after_an_ordinary_answer_too() -> None:
    class Page(list[bytes]):
        closed = threading.Event()

        def close(self) -> None:
            self.closed.set()

    page = Page([b"one", b"", b"two"])
    with bridged(streaming(lambda: page)) as loopback:
        assert loopback.get("/")[2] == b"onetwo"
        assert page.closed.wait(60)


def test_several_cookies_stay_several_headers() -> None:
    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("X-Name", "caf\xe9")])
        return [b""]

    with bridged(app) as loopback:
        client = loopback.client()
        client.request("GET", "/")
        answer = client.getresponse()
        assert answer.msg.get_all("set-cookie") == ["a=1; Path=/", "b=2"]
        assert answer.getheader("x-name") == "caf\xe9"
        client.close()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("/caf%C3%A9/%E2%82%AC", "/café/€".encode()),
        ("/a%20b/%2Fc", b"/a b//c"),
        ("/%FF%FE", b"\xff\xfe"),
    ],
)
def test_a_path_comes_through_byte_by_byte(sent: str, expected: bytes) -> None:
    with bridged(answering(lambda environ: str(environ["PATH_INFO"]))) as loopback:
        path = json.loads(loopback.get(f"{sent}?q=%C3%A9")[2])
    assert path.encode("latin-1").lstrip(b"/") == expected.lstrip(b"/")


def test_the_query_is_left_as_it_was_sent() -> None:
    with bridged(answering(lambda environ: str(environ["QUERY_STRING"]))) as loopback:
        assert json.loads(loopback.get("/a?q=%C3%A9&b=%26")[2]) == "q=%C3%A9&b=%26"


def test_context_variables_of_one_request_are_unknown_to_the_next() -> None:
    reader: ContextVar[str] = ContextVar("reader", default="nobody")

    def look(environ: Environ) -> str:
        before = reader.get()
        reader.set(str(environ["PATH_INFO"]))
        return before

    with bridged(answering(look), threads=1) as loopback:
        assert [json.loads(loopback.get(path)[2]) for path in ("/mara", "/ike", "/ada")] == ["nobody"] * 3


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_413(chunked: bool) -> None:
    with bridged(answering(digest), max_body=MIB) as loopback:
        head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (2 * MIB)
        opened = loopback.raw(b"POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n" % head)
        if chunked:
            opened.sendall(b"%x\r\n%s\r\n" % (MIB + 10, b"z" * (MIB + 10)))
        text = rest_of(opened)  # it ends, for the rest of the body stands in the way of a next request
        opened.close()
        assert loopback.get("/")[0] == 200
    assert text.startswith(b"HTTP/1.1 413 ")
    assert b"more than 1 MiB" in text


def test_a_long_query_is_414_and_a_long_header_431() -> None:
    with bridged(answering(lambda _: "fine")) as loopback:
        assert loopback.get(f"/?q={'a' * 9000}")[0] == 414
        assert loopback.get(f"/{'a' * 9000}")[0] == 414
        assert loopback.get("/", x_long="a" * 9000)[0] == 431
        assert loopback.get(f"/?q={'a' * 8000}", x_long="a" * 8000)[0] == 200


def test_a_head_without_end_is_cut_off() -> None:
    with bridged(answering(lambda _: "fine")) as loopback:
        opened = loopback.raw(
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 4000) for n in range(10))
        )
        text = rest_of(opened)
        opened.close()
    assert text.startswith(b"HTTP/1.1 431 ")


def test_a_head_that_comes_drop_by_drop_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    with bridged(answering(lambda _: "fine")) as loopback:
        opened = loopback.raw(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        assert rest_of(opened) == b""
        opened.close()
        monkeypatch.setattr(protocol, "HEAD_S", 60.0)  # no machine is so busy
        client = loopback.client()  # and one that says something in time is not
        for _ in range(2):
            client.request("GET", "/")
            assert client.getresponse().read() == b'"fine"'
        client.close()


def test_a_busy_bridge_answers_503_at_once_and_says_when_to_come_back() -> None:
    gate, ask = threading.Event(), b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    def wait(environ: Environ) -> str:
        gate.wait(100)
        return "done"

    with bridged(answering(wait), threads=1) as loopback:
        opened = [loopback.raw(ask) for _ in range(40)]
        until(lambda: len(select.select(opened, [], [], 0.1)[0]) >= 7)
        refused = select.select(opened, [], [], 0.1)[0]
        texts = [rest_of(item) for item in refused]
        gate.set()
        others = [rest_of(item) for item in opened if item not in refused]
        for item in opened:
            item.close()
    assert len(texts) == 7
    assert all(text.startswith(b"HTTP/1.1 503 ") and b"retry-after: 2" in text for text in texts)
    assert all(text.startswith(b"HTTP/1.1 200 ") for text in others)


def test_a_client_that_left_while_it_waited_is_not_worked_for() -> None:
    gate, seen = threading.Event(), []

    def wait(environ: Environ) -> str:
        seen.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/first":
            gate.wait(100)
        return "done"

    with bridged(answering(wait), threads=1) as loopback:
        first = loopback.raw(b"GET /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        until(lambda: seen)
        others = [loopback.raw(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % name) for name in (b"second", b"third")]
        until(lambda: loopback.connections == 3)
        for other in others:
            other.close()
        until(lambda: loopback.connections == 1)  # both have come and gone
        gate.set()
        assert b"done" in rest_of(first)
        first.close()
        assert loopback.get("/last")[0] == 200
    assert seen == ["/first", "/last"]


def test_head_is_answered_with_headers_alone_and_the_connection_goes_on() -> None:
    with bridged(answering(lambda environ: str(environ["REQUEST_METHOD"]))) as loopback:
        client = loopback.client()
        client.request("HEAD", "/")
        answer = client.getresponse()
        assert (answer.status, answer.getheader("content-length"), answer.read()) == (200, "6", b"")
        before = client.sock
        client.request("GET", "/")
        assert client.getresponse().read() == b'"GET"'
        assert client.sock is before
        client.close()


def test_an_exception_of_the_app_is_500_and_the_thread_lives() -> None:
    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/bad":
            raise ZeroDivisionError("a bug")
        start_response("200 OK", [])
        return [str(threading.get_ident()).encode()]

    with bridged(app, threads=1) as loopback:
        before = loopback.get("/")[2]
        status, headers, body = loopback.get("/bad")
        assert (status, headers["x-content-type-options"]) == (500, "nosniff")
        assert b"a bug" not in body
        assert loopback.get("/")[2] == before


def test_an_exception_in_the_middle_of_an_answer_does_not_look_like_its_end() -> None:
    heard = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"half an answer"
        heard.wait(60)
        raise ZeroDivisionError("a bug")

    with bridged(streaming(pieces)) as loopback:
        client = loopback.client()
        client.request("GET", "/")
        answer = client.getresponse()
        assert answer.read(14) == b"half an answer"
        heard.set()
        with pytest.raises((IncompleteRead, ConnectionError)):
            answer.read()
        client.close()


@pytest.mark.parametrize(
    ("proxies", "said", "expected"),
    [
        (0, "198.51.100.7", "127.0.0.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        (2, "6.6.6.6, 198.51.100.7, 203.0.113.9", "198.51.100.7"),
        (2, "198.51.100.7", "127.0.0.1"),
    ],
)
def test_a_forwarded_address_counts_only_from_trusted_proxies(proxies: int, said: str, expected: str) -> None:
    app = answering(lambda environ: [environ["REMOTE_ADDR"], environ.get("HTTP_X_FORWARDED_FOR")])
    with bridged(app, trusted_proxies=proxies) as loopback:
        assert json.loads(loopback.get("/", x_forwarded_for=said)[2]) == [expected, None]


def test_a_header_with_an_underscore_or_named_proxy_is_not_passed_on() -> None:
    app = answering(lambda environ: sorted(name for name in environ if name.startswith("HTTP_")))
    with bridged(app) as loopback:
        text = b"GET / HTTP/1.1\r\nHost: a\r\nX_Real_User: eve\r\nProxy: evil\r\nX-Fine: 1\r\nConnection: close\r\n\r\n"
        opened = loopback.raw(text)
        said = json.loads(rest_of(opened).partition(b"\r\n\r\n")[2])
        opened.close()
    assert said == ["HTTP_HOST", "HTTP_X_FINE"]


def test_two_requests_that_need_each_other_are_answered_by_two_threads() -> None:
    meet = threading.Barrier(2, timeout=60)
    with bridged(answering(lambda _: meet.wait() >= 0)) as loopback:
        ask = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        opened = [loopback.raw(ask), loopback.raw(ask)]
        assert all(rest_of(item).endswith(b"true") for item in opened)
        for item in opened:
            item.close()
