"""uvicorn's HTTP protocol, with the bounds on a connection that it does not have itself."""

import asyncio
from collections.abc import Callable

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from raglan.core import logs
from raglan.edge.exchange import Exchange, scope_of
from raglan.edge.lean import ABORT, WIRE, Flow, Line, Signal
from raglan.edge.reply import Reply

HEAD_LIMIT = 32 * 1024
HEAD_S = 15.0
LINGER_S = 5.0
Postponed = tuple[RequestResponseCycle, ASGI3Application]
log = logs.get("raglan.protocol")
_WORDS = b"The head of this request is longer than 32 kB."
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"x-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_WORDS), _WORDS)
)


class Ending:
    """A transport as one request sees it: its end waits for a client that still sends.

    Closing a socket with something unread in it resets the connection, and the answer may be lost on its way.
    """

    def __init__(self, transport: asyncio.Transport, linger: Callable[[], bool]) -> None:
        self._transport = transport
        self._linger = linger
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send, unless the client is gone: a transport that is closed may raise at that."""
        if not self.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Say that nothing more comes; close at once unless a body is still on its way."""
        if not self._linger():
            self._transport.close()


class Protocol(HttpToolsProtocol):
    """Ends connections whose request line and headers are too long or too slow, or whose refused body does not end.

    The scope carries a way to cut the connection: an orderly close would wait for a reader that does not read. It
    carries the connection too, for what writes to thousands of them at once.
    """

    _head_is_open = True
    _body_is_open = False
    _is_ending = False
    _head_size = 0
    _timer: asyncio.TimerHandle | None = None
    _is_in_head = False
    _postponed: Postponed | None = None
    _is_between = True  # requests: the parser has had nothing of the next one
    _is_declined = False
    _answered_at = 0.0
    _remote = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Give the first head its time."""
        super().connection_made(transport)
        self.flow, self.pipeline = Flow(transport), Line()  # type: ignore[assignment]  # they do the same
        self._remote = str(self.client[0]) if self.client else ""
        self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let a plain request be taken as it came; parse all else, and count what belongs to a head not whole yet."""
        if self._is_between and self._is_taken_plainly(data):
            return
        self._is_between = False
        super().data_received(data)
        self._is_declined = False
        if self._postponed is not None:  # the rest of its body is still on its way
            self._start(*self._postponed)
        if not self._head_is_open:
            self._head_size = 0
            if self._is_idle and self._timer is None:  # an empty line is no head, and has ended the time that it had
                self._wait(HEAD_S)
            return
        self._head_size += len(data)
        if self._head_size > HEAD_LIMIT and not self.transport.is_closing():
            self.transport.write(TOO_LONG)
            self.transport.close()
        elif self._timer is None:
            self._wait(HEAD_S)

    @property
    def _is_idle(self) -> bool:
        """Whether nothing is under way and nothing else ends the connection."""
        is_free = self.cycle is None or self.cycle.response_complete
        return is_free and not self._body_is_open and self.timeout_keep_alive_task is None

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_is_open, self._is_between = True, False
        self.scope["extensions"] = self._extensions()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._head_is_open, self._body_is_open = False, True
        self._wait_no_more()
        self._unset_keepalive_if_required()  # one before it may have been answered at once
        self._is_in_head = True
        super().on_headers_complete()
        self._is_in_head = False
        self.cycle.message_event = Signal()  # type: ignore[assignment]  # it does the same; nobody waits for it yet
        self.cycle.transport = Ending(self.transport, self._linger)  # type: ignore[assignment]  # all that a cycle uses

    def on_message_complete(self) -> None:
        """A body is whole."""
        self._body_is_open, self._is_between = False, True
        self._wait_no_more()
        super().on_message_complete()
        if self._is_ending:
            self.transport.close()
        if self._postponed is not None:
            cycle, app = self._postponed
            is_declined, self._is_declined = self._is_declined, False
            if not is_declined and self._is_taken(cycle, app):
                self._postponed = None
            else:
                self._start(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Wait for the body of a POST as long as it comes with its head: then it may need no task."""
        if self._is_in_head and cycle.scope["method"] == "POST" and not cycle.waiting_for_100_continue:
            self._postponed = (cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def _start(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._postponed = None
        super()._start_asgi_task(cycle, app)

    def _is_taken_plainly(self, data: bytes) -> bool:
        """Offer a request as it came, where nothing of another is under way and it would start at once."""
        take = getattr(self.app, "bytes_at_once", None)
        is_free = self.cycle is None or self.cycle.response_complete
        if take is None or not self._remote or not is_free or self._is_ending or self.flow.write_paused:
            return False
        if self.transport.is_closing() or not data.startswith(b"POST "):
            return False
        before, exchange = self.cycle, Exchange(self, data, self._start_anew)
        self.cycle = exchange  # type: ignore[assignment]  # it is as much of one as is looked at
        try:
            is_taken = bool(take(data, self._remote, exchange))
        except Exception:  # as in `_is_taken`
            log.exception("a request could not be taken as it came; it goes the ordinary way")
            is_taken = exchange.response_complete
        if is_taken:
            self._head_is_open = False
            self._wait_no_more()
        else:
            self.cycle, self._is_declined = before, exchange.is_declined
        return is_taken

    def _start_anew(self, data: bytes) -> None:
        """Start the task of a request that was taken as it came, in its place: what came behind it still waits."""
        state = self.server_state
        about = {
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "state": self.app_state.copy(),
            "extensions": self._extensions(),
        }
        scope, body = scope_of(data, about)
        before = self.cycle
        cycle = RequestResponseCycle(
            scope=scope,
            transport=Ending(self.transport, self._linger),  # type: ignore[arg-type]  # all that a cycle uses
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=state.default_headers,
            message_event=Signal(is_set=True),  # type: ignore[arg-type]  # it does the same
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        cycle.body += body
        cycle.more_body = False
        if isinstance(before, Exchange):
            cycle.disconnected, cycle.keep_alive = before.disconnected, before.keep_alive
            self.cycle = cycle
        super()._start_asgi_task(cycle, self.app)

    def _extensions(self) -> dict[str, dict[object, object]]:
        return {ABORT: {"abort": self.transport.abort}, WIRE: {"transport": self.transport}}

    @property
    def usual_lines(self) -> list[tuple[bytes, bytes]]:
        """What each answer says in its head."""
        return self.server_state.default_headers

    def _is_taken(self, cycle: RequestResponseCycle, app: ASGI3Application) -> bool:
        at_once = getattr(app, "at_once", None)
        if at_once is None or self.flow.write_paused or self.transport.is_closing():
            return False
        reply = Reply(cycle, lambda: super(Protocol, self)._start_asgi_task(cycle, app))
        try:
            return bool(at_once(cycle.scope, bytes(cycle.body), reply))
        except Exception:  # nothing that one request does may end the connection of others
            log.exception("a request could not be taken at once; it goes the ordinary way")
            return not reply.is_open

    def on_response_complete(self) -> None:
        """Go on to the next request, unless this was the last; a body that was not wanted may not take for ever."""
        if self._is_ending:
            self.flow.resume_reading()
            return
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        else:  # it was left as it was for a plain request
            self.server_state.total_requests += 1
            self._answered_at = self.loop.time()
            if not self.transport.is_closing():
                self.flow.resume_reading()
        if self._body_is_open and not self.transport.is_closing():
            self._wait(LINGER_S)

    def timeout_keep_alive_handler(self) -> None:
        """End a connection on which nothing was asked for so long since the last answer."""
        self.timeout_keep_alive_task = None
        if self.cycle is not None and not self.cycle.response_complete:
            return  # its answer begins the time anew
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def end(self) -> None:
        """Close, when the client has sent what it began."""
        Ending(self.transport, self._linger).close()

    def _linger(self) -> bool:
        """Let a client finish its body; return False when there is nothing to wait for."""
        if not self._body_is_open or self.transport.is_closing():
            return False
        self._is_ending = True
        self.transport.write_eof()
        self._wait(LINGER_S)
        return True

    def _wait(self, seconds: float) -> None:
        self._wait_no_more()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
