"""The answer to a request that was taken without a task of its own: the same bytes, in one write."""

from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from raglan.alerts.ports import Answer
from raglan.core.errors import RaglanError
from raglan.edge.answers import JSON, PLAIN, headers_for, json_of, lines_of

CLOSE = b"connection: close\r\n"


class Reply:
    """Ends one cycle of uvicorn's, as its own way to answer does."""

    __slots__ = ("_cycle", "_start")

    def __init__(self, cycle: RequestResponseCycle, start: Callable[[], None]) -> None:
        self._cycle = cycle
        self._start = start

    @property
    def is_open(self) -> bool:
        """Whether nothing was answered yet."""
        return not self._cycle.response_complete

    def answer(self, said: Answer) -> None:
        """Send an answer."""
        is_text = isinstance(said.body, bytes)
        body = said.body if isinstance(said.body, bytes) else json_of(said.body)
        self._send(said.status, body, lines_of(body, PLAIN if is_text else JSON, said.headers))

    def refuse(self, error: RaglanError) -> None:
        """Send a refusal."""
        body = json_of(error.as_json())
        self._send(error.status, body, lines_of(body, JSON, headers_for(error)))

    def start_anew(self) -> None:
        """Let the request go the ordinary way: its body is still there."""
        self._start()

    def _send(self, status: int, body: bytes, lines: list[tuple[bytes, bytes]]) -> None:
        cycle = self._cycle
        if cycle.disconnected or cycle.transport.is_closing():  # only the newest cycle hears that its client has left
            cycle.response_complete = True
            cycle.body.clear()
            cycle.message_event.set()
            cycle.on_response = _nothing
            return
        cycle.response_started = cycle.response_complete = True
        said = [STATUS_LINE[status]]
        for name, value in cycle.default_headers:
            said += (name, b": ", value, b"\r\n")
        for name, value in lines:
            said += (name, b": ", value, b"\r\n")
            if name == b"connection":
                cycle.keep_alive = False
        if not cycle.keep_alive and CLOSE[:10] not in dict(lines):
            said.append(CLOSE)
        said += (b"\r\n", body)
        cycle.transport.write(b"".join(said))
        cycle.body.clear()
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        done, cycle.on_response = cycle.on_response, _nothing
        done()


def _nothing() -> None:
    """What is left to do after an answer."""
