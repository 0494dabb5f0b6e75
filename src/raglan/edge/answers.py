"""Small ASGI answers that all edge modules share."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from raglan.core.errors import BadInput, NotSignedIn, Overloaded, RaglanError
from raglan.edge.lean import ABORT

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
NOSNIFF = (b"x-content-type-options", b"nosniff")
LINE_LIMIT = 8 * 1024


class WrongMethod(RaglanError):
    """A path that is asked otherwise."""

    code = "wrong_method"
    status = 405

    def __init__(self, sentence: str, *, allow: str = "POST") -> None:
        super().__init__(sentence)
        self.allow = allow


async def answer(
    send: Send, status: int, body: bytes, *, content_type: str = PLAIN, headers: Mapping[str, str] | None = None
) -> None:
    """Send a whole answer."""
    lines = lines_of(body, content_type, headers or {})
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


def lines_of(body: bytes, content_type: str, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return the lines of the head of an answer."""
    lines = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode()), NOSNIFF]
    return lines + [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def answer_json(send: Send, status: int, value: object, *, headers: Mapping[str, str] | None = None) -> None:
    """Send a value as JSON."""
    await answer(send, status, json_of(value), content_type=JSON, headers=headers)


def json_of(value: object) -> bytes:
    """Return a value as it is sent."""
    return json.dumps(value, default=str).encode()


async def refuse(send: Send, error: RaglanError) -> None:
    """Say in JSON what is refused, and when to come back.

    A body that was not read to its end stands in the way of the next request, so such a connection ends; the protocol
    lets the client finish what it sends, or the answer would be lost.
    """
    await answer_json(send, error.status, error.as_json(), headers=headers_for(error))


def headers_for(error: RaglanError) -> dict[str, str]:
    """Return the headers that go with a refusal."""
    match error:
        case Overloaded():
            return {"Retry-After": str(error.retry_after)}
        case WrongMethod():
            return {"Allow": error.allow}
        case NotSignedIn():
            return {"WWW-Authenticate": "Bearer"}
        case BadInput(status=408 | 413 | 414 | 431):
            return {"Connection": "close"}
    return {}


def header(scope: Scope, name: bytes) -> str:
    """Return a request header, empty when it is missing."""
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in pairs if key == name), "")


def headers_of(scope: Scope) -> dict[str, str]:
    """Return all request headers in lower case; of several, the last one."""
    return {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}


def check_head(scope: Scope) -> None:
    """Refuse an address or a header beyond 8 kB, and several hosts, of which a proxy may have believed the other."""
    if len(scope.get("query_string", b"")) > LINE_LIMIT or len(scope.get("raw_path") or b"") > LINE_LIMIT:
        raise BadInput("", "The address is longer than 8 kB.", status=414)
    hosts = 0
    for name, value in scope["headers"]:
        hosts += name == b"host"
        if len(name) + len(value) > LINE_LIMIT:
            raise BadInput("", "A header is longer than 8 kB.", status=431)
    if hosts > 1:
        raise BadInput("", "The request names several hosts.")


async def cut(scope: Scope) -> None:
    """End a connection at once, whatever still waits to be sent; it has ended when this returns."""
    extension = scope.get("extensions", {}).get(ABORT)
    if extension is not None:
        extension["abort"]()
        await asyncio.sleep(0)
