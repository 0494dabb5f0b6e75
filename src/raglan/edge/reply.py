"""The answer to a request that was taken without a task of its own: the same bytes, in one write."""

from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from raglan.alerts.ports import Answer
from raglan.core.errors import RaglanError
from raglan.edge.answers import JSON, PLAIN, headers_for, json_of, lines_of

CLOSE = b"connection: close\r\n"
Lines = list[tuple[bytes, bytes]]


def lines_and_body(said: Answer) -> tuple[Lines, bytes]:
    """Return the lines of the head of an answer, and its body."""
    is_text = isinstance(said.body, bytes)
    body = said.body if isinstance(said.body, bytes) else json_of(said.body)
    return lines_of(body, PLAIN if is_text else JSON, said.headers), body


def refusal(error: RaglanError) -> Answer:
    """Return a refusal as an answer."""
    return Answer(error.status, error.as_json(), headers_for(error))


def head_of(status: int, lines: Lines, *, stays: bool) -> tuple[bytes, bool]:
    """Return the head of an answer, with the empty line at its end, and whether the connection stays."""
    said = [STATUS_LINE[status]]
    is_told = False
    for name, value in lines:
        said += (name, b": ", value, b"\r\n")
        is_told |= name == b"connection"
    if not stays and not is_told:
        said.append(CLOSE)
    said.append(b"\r\n")
    return b"".join(said), stays and not is_told


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
        cycle = self._cycle
        if cycle.disconnected or cycle.transport.is_closing():  # only the newest cycle hears that its client has left
            cycle.response_complete = True
            cycle.body.clear()
            cycle.message_event.set()
            cycle.on_response = _nothing
            return
        cycle.response_started = cycle.response_complete = True
        lines, body = lines_and_body(said)
        head, cycle.keep_alive = head_of(said.status, cycle.default_headers + lines, stays=cycle.keep_alive)
        cycle.transport.write(head + body)
        cycle.body.clear()
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        done, cycle.on_response = cycle.on_response, _nothing
        done()

    def refuse(self, error: RaglanError) -> None:
        """Send a refusal."""
        self.answer(refusal(error))

    def start_anew(self) -> None:
        """Let the request go the ordinary way: its body is still there."""
        self._start()

    def needs_task(self) -> None:
        """Hear what is known here already."""


def _nothing() -> None:
    """What is left to do after an answer."""
