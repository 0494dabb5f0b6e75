"""Small ASGI answers that all edge modules share."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
NOSNIFF = (b"x-content-type-options", b"nosniff")


async def answer(
    send: Send, status: int, body: bytes, *, content_type: str = PLAIN, headers: Mapping[str, str] | None = None
) -> None:
    """Send a whole answer."""
    lines = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode()), NOSNIFF]
    lines += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, value: object, *, headers: Mapping[str, str] | None = None) -> None:
    """Send a value as JSON."""
    await answer(send, status, json.dumps(value, default=str).encode(), content_type=JSON, headers=headers)


def header(scope: Scope, name: bytes) -> str:
    """Return a request header, empty when it is missing."""
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in pairs if key == name), "")


def headers_of(scope: Scope) -> dict[str, str]:
    """Return all request headers in lower case; of several, the last one."""
    return {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}


def too_long(scope: Scope, limit: int = 8 * 1024) -> int:
    """Return 414 or 431 for a query or header beyond the limit, else 0."""
    if len(scope.get("query_string", b"")) > limit or len(scope.get("raw_path") or b"") > limit:
        return 414
    return 431 if any(len(value) > limit for _, value in scope["headers"]) else 0
