"""One request and its answer over an open connection.

Most are plain: a short head of ASCII, a body whose length is known. These are one write, and mostly one read. Whatever
is out of the ordinary on either side is left to the standard library, which takes several times as long to write and
read the same.
"""

import io
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

PIECE = 65_536
MOST_HEAD = 16_384
ONE_RECORD = 16_384  # so much TLS writes as one, which the other side can not read in part
is_plain_method = re.compile(r"POST|PUT|GET|PATCH|DELETE").fullmatch
is_plain_path = re.compile(r"/[!-~]*").fullmatch
is_plain_host = re.compile(r"[A-Za-z0-9.-]+").fullmatch
are_plain_headers = re.compile(r"(?:[A-Za-z0-9-]+: [ -~]*\r\n)*").fullmatch
lowered = str.lower
status_of = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [ -~]*)?").fullmatch
OUR_OWN = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect"}
WITHOUT_BODY = (204, 304)
PORTS = (80, 443)


class NothingSent(ConnectionError):
    """The other side had ended the connection: it has nothing of this request."""


class NotPlain(Exception):
    """The standard library should read this answer."""


class NotAll(Exception):
    """More of this answer has to come."""


@dataclass(frozen=True, slots=True)
class Request:
    """What we ask the other side."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: dict[str, str]
    body: bytes


def exchange(connection: HTTPConnection, request: Request, most: int) -> tuple[Answer, bool]:
    """Return the answer, of whose body at most so much is read, and whether the connection may take another request.

    Raises OSError, HTTPException, and ValueError for what can not be written; `NothingSent` when trying again is safe.
    """
    head = head_of(connection, request)
    if head is None:
        connection.request(request.method, request.path, body=request.body, headers=request.headers)
        return _thoroughly(connection.getresponse(), most)
    body = request.body or b""
    send(connection.sock, head + body if len(body) <= ONE_RECORD else head)
    if len(body) > ONE_RECORD:
        connection.sock.sendall(body)
    return _receive(connection.sock, request.method, most)


def head_of(connection: HTTPConnection, request: Request) -> bytes | None:
    """Return the head of a request, the same as the standard library's, or None when it is not plain."""
    host = connection.host
    if not (is_plain_method(request.method) and is_plain_path(request.path) and is_plain_host(host)):
        return None
    headers = request.headers
    said = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not are_plain_headers(said) or said.count("\n") != len(headers) or not OUR_OWN.isdisjoint(map(lowered, headers)):
        return None
    where = host if connection.port == connection.default_port else f"{host}:{connection.port}"
    first = f"{request.method} {request.path} HTTP/1.1\r\nHost: {where}\r\nAccept-Encoding: identity\r\n"
    if request.body is not None or request.method in ("POST", "PUT", "PATCH"):
        first += f"Content-Length: {len(request.body or b'')}\r\n"
    return f"{first}{said}\r\n".encode("ascii")


def send(sock: socket.socket, data: bytes) -> None:
    """Write all; what fails before the first byte was taken has sent nothing."""
    try:
        sent = sock.send(data)
    except ConnectionError as error:
        raise NothingSent(*error.args) from None
    if sent < len(data):
        sock.sendall(data[sent:])


def _receive(sock: socket.socket, method: str, most: int) -> tuple[Answer, bool]:
    have = bytearray()
    while True:
        piece = sock.recv(PIECE)
        have += piece
        try:
            found = answer_in(have, most, is_end=not piece)
        except NotPlain:
            return anew(bytes(have), sock, method, most)
        if found is not None:
            return found


def answer_in(have: bytearray, most: int, *, is_end: bool) -> tuple[Answer, bool] | None:
    """Return the answer to a request with a body, and whether the connection may take another one.

    None while more has to come; `is_end` says that nothing will. Raises NotPlain.
    """
    end = have.find(b"\r\n\r\n")
    if end < 0 and len(have) < MOST_HEAD and not is_end:
        return None
    read = _read_head(bytes(have[:end])) if end >= 0 else None
    if read is None:
        raise NotPlain
    status, headers = read
    length = 0 if status in WITHOUT_BODY else _length(headers)
    if length is None or length > most:
        raise NotPlain
    start = end + 4
    if len(have) < start + length and not is_end:
        return None
    is_whole = len(have) == start + length  # nothing is missing, and nothing was said unasked
    may_go_on = is_whole and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, bytes(have[start : start + length])), may_go_on


def _read_head(head: bytes) -> tuple[int, dict[str, str]] | None:
    """Return status and headers, or None when the standard library should read them."""
    first, *lines = head.split(b"\r\n")
    found = status_of(first)
    if found is None:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.strip() != name or b"\n" in line or b"\r" in line:
            return None
        headers[name.decode("latin-1").lower()] = value.decode("latin-1").lstrip(" \t")
    return int(found[1]), headers


def _length(headers: Mapping[str, str]) -> int | None:
    said = headers.get("content-length", "")
    is_said = said.isascii() and said.isdecimal() and len(said) < 12
    return int(said) if is_said and "transfer-encoding" not in headers else None


class _Said(io.RawIOBase):
    """What has come already, and what still comes: `more` writes it where it is told and returns how much it was."""

    def __init__(self, have: bytes, more: Callable[[Any], int]) -> None:
        self._have = memoryview(have)  # taking a part of it copies no rest
        self._more = more

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if not self._have:
            return self._more(into)
        taken = min(len(into), len(self._have))
        into[:taken], self._have = self._have[:taken], self._have[taken:]
        return taken

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Be what the standard library takes for a socket."""
        return io.BufferedReader(self)


def anew(have: bytes, sock: socket.socket, method: str, most: int) -> tuple[Answer, bool]:
    """Let the standard library read an answer from its beginning."""
    return _anew(_Said(have, sock.recv_into), method, most), False


def whole_in(have: bytes, method: str, most: int, *, is_end: bool) -> Answer:
    """Let the standard library read an answer from what has come; `is_end` says that nothing more will.

    Raises NotAll, and OSError, HTTPException and ValueError for what is no answer.
    """
    return _anew(_Said(have, _nothing if is_end else _not_all), method, most)


def _nothing(_into: Any) -> int:
    return 0


def _not_all(_into: Any) -> int:
    raise NotAll


def _anew(said: Any, method: str, most: int) -> Answer:
    response = HTTPResponse(said, method=method)
    response.begin()
    answer, _ = _thoroughly(response, most)
    return answer


def _thoroughly(response: HTTPResponse, most: int) -> tuple[Answer, bool]:
    will_close, body = response.will_close, bytearray()
    while len(body) <= most and (piece := response.read1(PIECE)):
        body += piece
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.length == 0:
        response.close()  # an empty answer does not do so by itself
    return Answer(response.status, headers, bytes(body[:most])), not will_close and response.isclosed()
