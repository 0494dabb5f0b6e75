"""The head of a request in which nothing is out of the ordinary, read straight from its bytes.

It takes less than HTTP allows, and nothing that HTTP does not: whatever it reads, the parser reads in the same way. All
else is left to the parser.
"""

import re

import msgspec

MOST_HEAD = 2_048  # bytes
END = b"\r\n\r\n"
_START = re.compile(rb"POST ((?:/[A-Za-z0-9_~.-]+)+) HTTP/1\.1")
_LINE = re.compile(rb"([A-Za-z0-9-]+): ?([!-~](?:[ -~]*[!-~])?)")
_SIZE = re.compile(rb"0|[1-9][0-9]{0,6}")
# A header that is not named here may mean something: what a proxy says, what the body is packed with, that a client
# waits for a word.
_USUAL = frozenset(
    (b"host", b"user-agent", b"content-type", b"content-length", b"authorization", b"accept", b"accept-encoding")
)
_STAYS = (b"connection", b"keep-alive")
Headers = list[tuple[bytes, bytes]]


class Head(msgspec.Struct, frozen=True):
    """A POST of HTTP/1.1 whose connection stays: its path, its headers in lower case, the size of its body in bytes."""

    path: str
    headers: Headers
    size: int

    @property
    def authorization(self) -> str:
        """The header of this name, empty when it is missing."""
        return next((value.decode() for name, value in self.headers if name == b"authorization"), "")


def read_head(head: bytes) -> Head | None:
    """Read a head, given without the empty line at its end; None unless it is plain."""
    if len(head) > MOST_HEAD:
        return None
    start, *lines = head.split(b"\r\n")
    found = _START.fullmatch(start)
    headers = [header for line in lines if (header := _header(line)) is not None]
    said = dict(headers)
    if found is None or len(headers) < len(lines) or len(said) < len(headers) or b"host" not in said:
        return None
    size = said.get(b"content-length", b"")
    return Head(found[1].decode(), headers, int(size)) if _SIZE.fullmatch(size) else None


def _header(line: bytes) -> tuple[bytes, bytes] | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    name, value = found[1].lower(), found[2]
    return (name, value) if name in _USUAL or (name, value) == _STAYS else None
