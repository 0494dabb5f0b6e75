"""From ASGI to Django's WSGI on a fixed pool of threads.

Django's own ASGI handler makes a thread executor for each request; one fixed pool answers about ten times as many. A
body is read whole before a thread is taken (memory to 1 MiB, then a file), so that a slow sender holds no thread.
Answers are streamed with back-pressure; when the client goes away the iterator is closed and the thread is free.
"""

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Protocol
from urllib.parse import quote

from raglan.core import logs
from raglan.edge.answers import Message, Receive, Scope, Send, answer_json, too_long

MEMORY_BODY = 1024 * 1024
MAX_BODY = 32 * 1024 * 1024
WAITING_PER_THREAD = 32
SEND_TIMEOUT_S = 60
log = logs.get("raglan.bridge")

StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[dict[str, object], StartResponse], Iterable[bytes]]


class BodyTooLarge(Exception):
    """The request's body is beyond the limit."""


class ClientGone(Exception):
    """Whoever asked is not there any more."""


class _Closable(Protocol):
    def close(self) -> None: ...


class Bridge:
    """An ASGI app that answers with a WSGI app."""

    def __init__(self, app: WsgiApp, *, threads: int, trusted_proxies: int = 0, max_body: int = MAX_BODY) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="raglan-web")
        self._most_waiting = threads * WAITING_PER_THREAD
        self._under_way = 0
        self._trusted_proxies = trusted_proxies
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if refused := too_long(scope):
            await answer_json(
                send, refused, {"code": "too_long", "message": "The address or a header is longer than 8 kB."}
            )
            return
        if self._under_way >= self._most_waiting:
            busy = {"code": "overloaded", "message": "Too much at once. Try again in a few seconds."}
            await answer_json(send, 503, busy, headers={"Retry-After": "2"})
            return
        self._under_way += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await spool(receive, self._max_body)
        except BodyTooLarge:
            await answer_json(send, 413, {"code": "too_large", "message": "The body has more than 32 MiB."})
            return
        except ClientGone:
            return
        with body:
            call = _Call(self._app, environ_of(scope, body, self._trusted_proxies), send)
            watcher = asyncio.create_task(call.watch(receive))
            try:
                context = contextvars.copy_context()
                await asyncio.get_running_loop().run_in_executor(self._pool, context.run, call.run)
            finally:
                watcher.cancel()

    def close(self) -> None:
        """End the threads once they are idle; requests that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def spool(receive: Receive, most: int) -> IO[bytes]:
    """Read a request's body to memory or, beyond 1 MiB, to a file that is gone when closed."""
    body = SpooledTemporaryFile(max_size=MEMORY_BODY)  # noqa: SIM115 -- closed by the caller
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            raise ClientGone
        piece = message.get("body", b"")
        size += len(piece)
        if size > most:
            body.close()
            raise BodyTooLarge
        if size > MEMORY_BODY:
            await asyncio.to_thread(body.write, piece)
        else:
            body.write(piece)
        if not message.get("more_body"):
            body.seek(0)
            return body


class _Call:
    """One call of the WSGI app, on a thread of the pool."""

    def __init__(self, app: WsgiApp, environ: dict[str, object], send: Send) -> None:
        self._app = app
        self._environ = environ
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._gone = threading.Event()
        self._start: Message | None = None
        self._pending: Future[None] | None = None

    async def watch(self, receive: Receive) -> None:
        """Notice that the client went away."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone.set()

    def run(self) -> None:
        """Call the app and send what it answers, piece by piece."""
        result: Iterable[bytes] = ()
        try:
            result = self._app(self._environ, self._start_response)
            self._send_all(iter(result))
        except ClientGone:
            log.info("a client went away before the end of its answer")
        except Exception:  # Django answers its own errors; what reaches this place must not end the thread
            log.exception("the bridge could not finish an answer")
            self._apologise()
        finally:
            if hasattr(result, "close"):
                closable: _Closable = result  # type: ignore[assignment]  # checked just before
                closable.close()

    def _send_all(self, pieces: Iterator[bytes]) -> None:
        held = b""
        for piece in pieces:
            if held:
                self._put({"type": "http.response.body", "body": held, "more_body": True})
            held = piece
        self._put({"type": "http.response.body", "body": held}, last=True)

    def _put(self, message: Message, *, last: bool = False) -> None:
        """Send one message; wait until the one before is out, so that no more than two are in memory."""
        if self._gone.is_set():
            raise ClientGone
        if self._pending is not None:
            self._pending.result(SEND_TIMEOUT_S)
        start, self._start = self._start, None
        self._pending = asyncio.run_coroutine_threadsafe(self._both(start, message), self._loop)
        if last:
            self._pending.result(SEND_TIMEOUT_S)

    async def _both(self, start: Message | None, message: Message) -> None:
        if start is not None:
            await self._send(start)
        await self._send(message)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._start = {"type": "http.response.start", "status": int(status.split(maxsplit=1)[0]), "headers": lines}
        return self._write

    def _write(self, piece: bytes) -> None:
        self._put({"type": "http.response.body", "body": piece, "more_body": True})

    def _apologise(self) -> None:
        if self._pending is not None or self._gone.is_set():
            return
        body = b"raglan could not answer this. Open pages go on being sent."
        lines = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        self._start = {"type": "http.response.start", "status": int(status), "headers": lines}
        self._put({"type": "http.response.body", "body": body}, last=True)


def environ_of(scope: Scope, body: IO[bytes], trusted_proxies: int) -> dict[str, object]:
    """Return the WSGI environment of a request. Paths are bytes read as Latin-1, as PEP 3333 has it."""
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, object] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "RAW_URI": (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client_of(scope, trusted_proxies),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    body.seek(0, 2)
    environ["CONTENT_LENGTH"] = str(body.tell())
    body.seek(0)
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in ("content-length", "transfer-encoding", "proxy") and "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            joint = "; " if name == "cookie" else ","
            environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ


def client_of(scope: Scope, trusted_proxies: int) -> str:
    """Return the client's address: the socket's, or the one that the outermost trusted proxy saw."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    if trusted_proxies:
        said = [
            part.strip()
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
            for part in value.decode("latin-1").split(",")
        ]
        if len(said) >= trusted_proxies:
            return str(said[-trusted_proxies])
    return address
