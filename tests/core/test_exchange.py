"""What is written and read quickly is what the standard library writes and reads."""

import socket
from http.client import HTTPConnection, HTTPException, HTTPResponse

import pytest

from raglan.core import exchange
from raglan.core.exchange import Answer, NothingSent, Request

MOST = 1_000
ANSWERS = {
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "with a body": b"HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\ntaken",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    "no content": b"HTTP/1.1 204 No Content\r\nX-Request-Id:  7 \r\n\r\n",
    "refused": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
    "closes": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "without a length": b"HTTP/1.1 200 OK\r\nServer: some\r\n\r\nuntil the end",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "both": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "goes on first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "folded": b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 2\r\n\r\nok",
    "twice": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nok",
    "odd length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "other letters": b"HTTP/1.1 200 OK\r\nX-Name: J\xf6rg\r\nContent-Length: 2\r\n\r\nok",
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
    "long": b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2_000,
    "bare lines": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "rubbish": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nothing": b"",
}


def by_the_library(said: bytes) -> Answer | type[Exception]:
    near, far = socket.socketpair()
    with near, far:
        far.sendall(said)
        far.shutdown(socket.SHUT_WR)
        response = HTTPResponse(near, method="POST")
        try:
            response.begin()
            body = bytearray()
            while len(body) <= MOST and (piece := response.read1(65_536)):
                body += piece
        except (HTTPException, OSError) as error:
            return type(error)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, bytes(body[:MOST]))


def in_two(said: bytes, place: int) -> tuple[Answer | type[Exception], bool]:
    """Return what is read of an answer that comes in two pieces."""
    near, far = socket.socketpair()
    with near, far:

        class Pieces:
            """A socket that gives no more than was sent at once."""

            def __init__(self) -> None:
                self.left = [piece for piece in (said[:place], said[place:]) if piece]

            def recv(self, most: int) -> bytes:
                return self.left.pop(0) if self.left else b""

            def recv_into(self, into: bytearray) -> int:
                piece = self.recv(len(into))
                taken = min(len(into), len(piece))
                into[:taken] = piece[:taken]
                self.left[:0] = [piece[taken:]] if piece[taken:] else []
                return taken

        try:
            return exchange._receive(Pieces(), "POST", MOST)  # type: ignore[arg-type]
        except (HTTPException, OSError) as error:
            return type(error), False


@pytest.mark.parametrize("name", list(ANSWERS))
def test_an_answer_is_read_as_the_standard_library_reads_it_wherever_it_is_cut(name: str) -> None:
    said = ANSWERS[name]
    expected = by_the_library(said)

    assert [in_two(said, place)[0] for place in range(min(len(said), 120) + 1)] == [expected] * (
        min(len(said), 120) + 1
    )


@pytest.mark.parametrize(
    ("name", "goes_on"), [("empty", True), ("no content", True), ("closes", False), ("cut off", False), ("old", False)]
)
def test_only_a_whole_answer_leaves_the_connection_for_another_request(name: str, goes_on: bool) -> None:
    assert in_two(ANSWERS[name], 30)[1] is goes_on
    assert in_two(ANSWERS[name] + b"said unasked", 0)[1] is False


def written(request: Request, host: str, port: int, *, is_quick: bool) -> list[bytes]:
    near, far = socket.socketpair()
    connection = HTTPConnection(host, port)
    connection.sock = near
    with near, far:
        if is_quick:
            head = exchange.head_of(connection, request)
            assert head is not None
            near.sendall(head + (request.body or b""))
        else:
            connection.request(request.method, request.path, body=request.body, headers=request.headers)
        near.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: far.recv(65_536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return [first, *sorted(lines), body]


@pytest.mark.parametrize("port", [80, 8080])
@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/hook?a=1&b=%20", b'{"a": 1}', {"User-Agent": "raglan", "Content-Type": "application/json"}),
        Request("POST", "/", None, {}),
        Request("PUT", "/x", b"", {"X-Odd": ""}),
        Request("GET", "/x", None, {"Accept": "*/*"}),
        Request("DELETE", "/x", None, {}),
    ],
    ids=lambda value: f"{value.method} {value.path}",
)
def test_a_request_is_written_as_the_standard_library_writes_it(request_: Request, port: int) -> None:
    quickly, thoroughly = (written(request_, "hooks.example", port, is_quick=quick) for quick in (True, False))

    assert quickly == thoroughly


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/a b", b"", {}),
        Request("POST", "/a\r\nX: 1", b"", {}),
        Request("POST", "/ö", b"", {}),
        Request("POST", "/", b"", {"X": "1\r\nY: 2"}),
        Request("POST", "/", b"", {"X\n": "1"}),
        Request("POST", "/", b"", {"Title": "Jörg"}),
        Request("POST", "/", b"", {"Host": "elsewhere"}),
        Request("HEAD", "/", None, {}),
    ],
    ids=lambda value: ascii((value.method, value.path, value.headers)),
)
def test_what_is_not_plain_is_left_to_the_standard_library(request_: Request) -> None:
    assert exchange.head_of(HTTPConnection("hooks.example"), request_) is None


@pytest.mark.parametrize("host", ["::1", "höst.example", "a b"])
def test_so_is_a_name_that_is_not_plain(host: str) -> None:
    connection = HTTPConnection("hooks.example")
    connection.host = host

    assert exchange.head_of(connection, Request("POST", "/", b"", {})) is None


def test_what_the_other_side_ended_before_the_first_byte_was_not_sent() -> None:
    near, far = socket.socketpair()
    connection = HTTPConnection("hooks.example")
    connection.sock = near
    with near:
        far.close()

        with pytest.raises(NothingSent):
            exchange.exchange(connection, Request("POST", "/", b"{}", {}), MOST)
