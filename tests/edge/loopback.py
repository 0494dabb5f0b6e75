"""An ASGI app behind a real uvicorn, on a free loopback port and in a thread of its own."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import uvicorn

from raglan.edge.answers import App
from raglan.edge.protocol import Protocol

PATIENCE_S = 60.0  # what comes at once on a quiet machine takes its time where others work


class Loopback:
    """Where the app listens, and the loop that it runs on."""

    def __init__(self, app: App) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve(sockets=[self._listening]))
        self._loop.close()

    def start(self) -> None:
        """Serve; return once it does."""
        self._thread.start()
        until(lambda: self._server.started)

    def stop(self) -> None:
        """End."""
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        self._listening.close()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._server.server_state.connections)

    def on_loop(self, function: Callable[[], object]) -> None:
        """Call something on the loop and wait for it."""

        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE_S)

    def client(self, timeout: float = PATIENCE_S) -> HTTPConnection:
        """Return a connection, not yet open."""
        return HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def raw(self, text: bytes = b"", timeout: float = PATIENCE_S) -> socket.socket:
        """Return an open socket on which something has been sent."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        opened.sendall(text)
        return opened

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Ask once; return status, headers in lower case, body. Underscores in names stand for hyphens."""
        client = self.client()
        try:
            client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = client.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            client.close()


@contextmanager
def listening(app: App) -> Iterator[Loopback]:
    """Serve an app for the time of a block."""
    loopback = Loopback(app)
    loopback.start()
    try:
        yield loopback
    finally:
        loopback.stop()


def until(look: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "this did not come true in time"
        time.sleep(0.005)


def rest_of(opened: socket.socket) -> bytes:
    """Return all that comes on a socket until its end."""
    pieces = []
    try:
        while piece := opened.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)
