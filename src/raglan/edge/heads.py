"""What stands in the head of a request to intake, and how its body is packed."""

import base64
import zlib
from collections.abc import Mapping

from msgspec import structs

from raglan.alerts.ports import IntakeRequest
from raglan.core.errors import BadInput
from raglan.edge.answers import Scope, headers_of
from raglan.edge.body import TooLarge
from raglan.edge.wsgi import client_of

MAX_BODY = 1024 * 1024
MOST_PARTS, PIECE = 1_000, 4 * 1024
PREFIX = "/integrations/"
IN_HEADER = "-"  # in the place of a token: it stands in the header


def split_path(path: str) -> tuple[str, str]:
    """Return the token of a path prefix and the path behind it."""
    path = f"/{path.lstrip('/')}"
    if not path.startswith(PREFIX):
        return "", path
    token, _, rest = path.removeprefix(PREFIX).partition("/")
    return "" if token == IN_HEADER else token, f"/{rest}"


def request_of(scope: Scope, trusted_proxies: int) -> IntakeRequest:
    """Return the request as doors see it, as yet without its body."""
    headers = headers_of(scope)
    token, path = split_path(scope["path"])
    raw: bytes = scope.get("raw_path") or b""
    return IntakeRequest(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"",
        remote=client_of(scope, trusted_proxies),
        token=token or header_token(headers.get("authorization", "")),
        quoted=split_path(raw.decode("latin-1"))[1] if b"%" in raw else "",
    )


def header_token(text: str) -> str:
    """Return the token of an Authorization header: of Bearer, or the password of Basic."""
    scheme, _, value = text.strip().partition(" ")
    match scheme.lower():
        case "bearer" | "token" | "geniekey":
            return value.strip().removeprefix("token=")
        case "basic":
            try:
                return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
            except ValueError:  # no base64, or no UTF-8 in it
                return ""
        case _:
            return ""


def body_of(request: IntakeRequest, token: str) -> bytes:
    """Return the body for its owner to see: unpacked where that can be, and without the token, which is a secret."""
    try:
        body = unpacked(request).body
    except BadInput:
        body = request.body
    return body.replace(token.encode("utf-8", "replace"), b"[token]")


def unpacked(request: IntakeRequest) -> IntakeRequest:
    """Return the request with its body as it was before it was packed."""
    return structs.replace(request, body=unpack(request.body)) if is_packed(request.headers) else request


def is_packed(headers: Mapping[str, str]) -> bool:
    """Tell whether a body is packed. Raises BadInput when it is so in a way that is not known here."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BadInput("", "the body may be packed with gzip only", status=415)
    return encoding not in ("", "identity")


def unpack(body: bytes, most: int = MAX_BODY) -> bytes:
    """Undo gzip, which may come in several parts, to at most so much in all. Raises BadInput.

    Each part is given what follows by the piece: it copies all that is not its own.
    """
    found: list[bytes] = []
    size = start = parts = 0
    while start < len(body):
        part, parts = zlib.decompressobj(wbits=31), parts + 1
        if parts > MOST_PARTS:
            raise BadInput("", f"the body is packed in more than {MOST_PARTS} parts", status=422)
        while not part.eof:
            piece = body[start : start + PIECE]
            if not piece:
                raise BadInput("", "the packed body ends too early")
            try:
                found.append(part.decompress(piece, most + 1 - size))
            except zlib.error:
                raise BadInput("", "the body is not gzip as its header says") from None
            size += len(found[-1])
            if size > most:
                raise TooLarge(most)
            start += len(piece) - len(part.unused_data)
    return b"".join(found)
