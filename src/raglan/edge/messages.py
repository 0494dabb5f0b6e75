"""What goes over a live stream: its head, its messages, and which of the changed names a topic asks for."""

import json
from collections.abc import Collection, Sequence

from raglan.edge.answers import Send

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


def changed(newest: int, names: Sequence[str]) -> bytes:
    """Tell the names of what changed, and the id of the newest event."""
    return f"id: {newest}\ndata: {json.dumps(list(names))}\n\n".encode()


def load_anew(newest: int) -> bytes:
    """Tell a reader that it missed too much."""
    return f"id: {newest}\nevent: reload\ndata: too much changed\n\n".encode()


def wanted(topics: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the changed names that topics ask for; `incident:*` takes all incidents, the name `*` means everything."""
    if "*" in names:
        return ["*"] if topics else []
    kinds = tuple(topic[:-1] for topic in topics if topic.endswith("*"))
    return sorted(name for name in names if name in topics or (kinds and name.startswith(kinds)))


def in_words(newest: int, data: str) -> bytes:
    """Tell what everybody may read of what changed."""
    return f"id: {newest}\nevent: told\ndata: {data}\n\n".encode()


def chunked(piece: bytes) -> bytes:
    """Write as the chunked encoding of HTTP/1.1 has it; nothing stays nothing, for an empty chunk is the end."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


async def put(send: Send, piece: bytes, *, more: bool = True) -> None:
    """Send a piece of the answer."""
    await send({"type": "http.response.body", "body": piece, "more_body": more})
