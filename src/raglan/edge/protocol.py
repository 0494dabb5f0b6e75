"""uvicorn's HTTP protocol, with bounds on the head of a request that the parser itself does not have."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 32 * 1024
HEAD_S = 15.0
ABORT = "raglan.abort"
_WORDS = b"The head of this request is longer than 32 kB."
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"x-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_WORDS), _WORDS)
)


class Protocol(HttpToolsProtocol):
    """Ends connections whose request line and headers are too long or come too slowly.

    The scope carries a way to cut the connection: an orderly close would wait for a reader that does not read.
    """

    _head_is_open = True
    _head_size = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Give the first head its time."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what belongs to a head that is not whole yet."""
        super().data_received(data)
        if not self._head_is_open:
            self._head_size = 0
            return
        self._head_size += len(data)
        if self._head_size > HEAD_LIMIT and not self.transport.is_closing():
            self.transport.write(TOO_LONG)
            self.transport.close()
        elif self._head_timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head_is_open = True
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._head_is_open = False
        self._head_came()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self.transport.abort)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
