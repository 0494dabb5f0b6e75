"""A request that was read straight from its bytes, as uvicorn's protocol sees it: the newest cycle of a connection.

What comes behind it waits until it is answered, the end of its connection is noted on it, and an orderly stop lets it
be the last.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from uvicorn._types import HTTPScope

from raglan.alerts.ports import Answer
from raglan.core.errors import RaglanError
from raglan.edge.lean import Signal
from raglan.edge.plain import END, read_head
from raglan.edge.reply import Lines, head_of, lines_and_body, refusal

_NOBODY = Signal()  # waits for its body, which is here


class Wire(Protocol):
    """The connection of an exchange."""

    transport: asyncio.Transport

    @property
    def usual_lines(self) -> Lines:
        """What each answer says in its head."""

    def on_response_complete(self) -> None:
        """Go on to the next request."""

    def end(self) -> None:
        """Close, when the client has sent what it began."""


class Exchange:
    """A request and how it is answered."""

    __slots__ = ("_data", "_start", "_wire", "disconnected", "is_declined", "keep_alive", "response_complete")
    message_event = _NOBODY

    def __init__(self, wire: Wire, data: bytes, start: Callable[[bytes], None]) -> None:
        self._wire = wire
        self._data = data
        self._start = start
        self.disconnected = self.response_complete = self.is_declined = False
        self.keep_alive = True

    def answer(self, said: Answer) -> None:
        """Send an answer, unless the client has left."""
        self._data = b""  # the connection may stay open for long
        self.response_complete = True
        wire = self._wire
        if self.disconnected or wire.transport.is_closing():
            return
        usual = wire.usual_lines
        if (
            said.status == 200
            and not said.body
            and isinstance(said.body, bytes)
            and not said.headers
            and self.keep_alive
        ):
            wire.transport.write(_done.head(usual))
        else:
            lines, body = lines_and_body(said)
            head, stays = head_of(said.status, usual + lines, stays=self.keep_alive)
            wire.transport.write(head + body)
            if not stays:
                wire.end()
        wire.on_response_complete()

    def refuse(self, error: RaglanError) -> None:
        """Send a refusal."""
        self.answer(refusal(error))

    def start_anew(self) -> None:
        """Let the request go the ordinary way."""
        self.response_complete = True
        self._start(self._data)

    def needs_task(self) -> None:
        """Hear that there is no use in asking again whether this can be taken at once."""
        self.is_declined = True


class _Done:
    """The answer that is sent most, an empty 200: made anew only when what each answer says is another list."""

    def __init__(self) -> None:
        self._usual: Lines | None = None
        self._head = b""

    def head(self, usual: Lines) -> bytes:
        """Return it whole."""
        if usual is not self._usual:
            lines, _ = lines_and_body(Answer(200, b""))
            self._head, _ = head_of(200, usual + lines, stays=True)
            self._usual = usual
        return self._head


_done = _Done()


def scope_of(data: bytes, about: Mapping[str, Any]) -> tuple[HTTPScope, bytes]:
    """Return what the parser makes of a plain request, and its body; `about` is what its connection says."""
    head, _, body = data.partition(END)
    found = read_head(head)
    assert found is not None
    path = found.path
    said = {"http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    return cast(HTTPScope, {"type": "http", **about, **said, "headers": found.headers}), body
