"""From ASGI to Django's WSGI on a fixed pool of threads.

Django's own ASGI handler makes a thread executor for each request; one fixed pool answers about ten times as many. A
body is read whole before a thread is taken, so that a slow sender holds no thread. What a thread answers goes through
an outbox: an ordinary page fits into it, so that a slow reader holds no thread either; a long stream waits for its
reader, but not for ever, and when the client goes away the iterator is closed and the thread is free.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from prometheus_client import Counter

from raglan.core import logs, metrics
from raglan.core.errors import RaglanError
from raglan.edge.answers import NOSNIFF, PLAIN, Message, Receive, Scope, Send, check_head, cut, refuse
from raglan.edge.body import Body, ClientGone, Spool
from raglan.edge.courtesy import courteously
from raglan.edge.threads import Threads
from raglan.edge.wsgi import environ_of

MAX_BODY = 32 * 1024 * 1024
LARGE_AT_ONCE = 16
WAITING_PER_THREAD = 32
OUTBOX = 1024 * 1024
STALL_S = 20.0
SORRY = b"raglan could not answer this. Open pages go on being sent."
HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"trailer"))
log = logs.get("raglan.bridge")
failed = Counter("raglan_web_failures", "Answers that broke in the bridge", registry=metrics.REGISTRY)

StartResponse = Callable[..., Callable[[bytes], object]]
WsgiApp = Callable[[dict[str, object], StartResponse], Iterable[bytes]]


@runtime_checkable
class Closable(Protocol):
    """An iterable that wants to know when it is no longer needed."""

    def close(self) -> None:
        """Free what it holds."""


class Bridge:
    """An ASGI app that answers with a WSGI app."""

    def __init__(self, app: WsgiApp, *, threads: int, trusted_proxies: int = 0, max_body: int = MAX_BODY) -> None:
        self._app = app
        self._threads = Threads("web", threads, line=threads * WAITING_PER_THREAD)
        self._spool = Spool(most=max_body, large_at_once=LARGE_AT_ONCE)
        self._trusted_proxies = trusted_proxies
        self._loading: asyncio.Future[object] | None = None

    def load(self, work: Callable[[], object]) -> asyncio.Future[object]:
        """Load on a thread what the app needs; requests wait for it, so that no two threads import the same."""
        self._loading = asyncio.ensure_future(self._threads.ask(work))
        return self._loading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            check_head(scope)
            body = await self._spool.read(scope, receive)
            if self._loading is not None:
                await asyncio.shield(self._loading)
            outbox = self._begin(scope, body)
        except RaglanError as error:
            await refuse(send, error)
        except ClientGone:
            return
        else:
            await relay(outbox, scope, receive, send)

    def _begin(self, scope: Scope, body: Body) -> "Outbox":
        outbox = Outbox(asyncio.get_running_loop())
        environ = environ_of(scope, body.file, body.size, trusted_proxies=self._trusted_proxies)
        call = Call(self._app, environ, outbox)

        def work() -> None:
            try:
                contextvars.Context().run(courteously, call.run)
            finally:
                body.close()

        try:
            self._threads.give(work)
        except RaglanError:
            body.close()
            raise
        return outbox

    def close(self, timeout: float = 0.0) -> bool:
        """Take nothing more; return whether what was under way ended in time."""
        return self._threads.stop(timeout)


class Outbox:
    """What a thread has answered and the loop has not sent yet: bounded, so that a fast writer waits for its reader."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = threading.Condition()
        self._news = asyncio.Event()
        self._is_awaited = False
        self._pieces: list[bytes] = []
        self._size = 0
        self.start: Message = {}
        self.has_begun = False
        self.is_over = False
        self.is_broken = False

    # What the thread does.

    def put(self, piece: bytes) -> None:
        """Add a piece; wait while there is too much. Raises ClientGone."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._size < OUTBOX or self.is_broken, STALL_S):
                self._end(broken=True)
            if self.is_broken:
                raise ClientGone
            self.has_begun = True
            self._pieces.append(piece)
            self._size += len(piece)
            self._tell()

    def end(self, *, broken: bool = False) -> None:
        """Say that nothing more comes."""
        with self._changed:
            if not self.is_over:
                self._end(broken=broken)

    # What the loop does.

    async def take(self) -> tuple[bytes, bool]:
        """Return all that is there, and whether it was the end; wait for something."""
        while True:
            with self._changed:
                if self._pieces or self.is_over:
                    taken, self._pieces, self._size = b"".join(self._pieces), [], 0
                    self._changed.notify()
                    return taken, self.is_over
                self._is_awaited = True
                self._news.clear()
            await self._news.wait()

    def abandon(self) -> None:
        """Say that nobody reads any more."""
        with self._changed:
            if not self.is_over:
                self._end(broken=True)
            self.is_broken = True
            self._changed.notify()

    def _end(self, *, broken: bool) -> None:
        self.is_over = True
        self.is_broken = self.is_broken or broken
        self._tell()

    def _tell(self) -> None:
        if self._is_awaited:
            self._is_awaited = False
            self._loop.call_soon_threadsafe(self._news.set)


async def relay(outbox: Outbox, scope: Scope, receive: Receive, send: Send) -> None:
    """Send what a thread answers, until its end or until the client is gone."""
    watcher = asyncio.create_task(_until_gone(receive))
    watcher.add_done_callback(lambda _: outbox.abandon())
    try:
        piece, is_last = await outbox.take()
        if outbox.is_broken:
            await cut(scope)
            return
        async with asyncio.timeout(STALL_S):
            await send(outbox.start)
        while not outbox.is_broken:
            async with asyncio.timeout(STALL_S):
                await send({"type": "http.response.body", "body": piece, "more_body": not is_last})
            if is_last:
                return
            piece, is_last = await outbox.take()
        await cut(scope)  # half an answer must not look like a whole one
    except TimeoutError:
        log.info("an answer was given up because its client does not read")
        await cut(scope)
    finally:
        watcher.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Call:
    """One call of the WSGI app, on a thread of the pool."""

    def __init__(self, app: WsgiApp, environ: dict[str, object], outbox: Outbox) -> None:
        self._app = app
        self._environ = environ
        self._outbox = outbox
        self._is_head = environ["REQUEST_METHOD"] == "HEAD"

    def run(self) -> None:
        """Call the app and hand over what it answers, piece by piece."""
        if self._outbox.is_over:
            return  # the client left while it waited
        try:
            self._answer()
        except ClientGone:
            log.debug("a client went away before the end of its answer")
        except Exception:  # Django answers its own errors; what reaches this place must not end the thread
            failed.inc()
            log.exception("the bridge could not finish an answer")
            self._apologise()
        finally:
            self._outbox.end()

    def _answer(self) -> None:
        result = self._app(self._environ, self._start_response)
        try:
            for piece in result:
                if self._is_head and self._outbox.start:
                    break  # its headers are all that was asked for
                if piece:
                    self._write(piece)
            if not self._outbox.start:
                raise RuntimeError("the app answered without a status")
            self._outbox.end()
        finally:
            if isinstance(result, Closable):
                result.close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._outbox.start = {
            "type": "http.response.start",
            "status": int(status.partition(" ")[0]),
            "headers": [line for line in lines if line[0] not in HOP_BY_HOP],
        }
        return self._write

    def _write(self, piece: bytes) -> None:
        if not self._outbox.start:
            raise RuntimeError("the app sent a body before its status")
        self._outbox.put(piece)

    def _apologise(self) -> None:
        """Answer 500 if nothing has been sent; else break off: half an answer must not look like a whole one."""
        if self._outbox.has_begun or self._outbox.is_over:
            self._outbox.end(broken=True)
            return
        length = str(len(SORRY)).encode()
        lines = [(b"content-type", PLAIN.encode()), (b"content-length", length), NOSNIFF]
        self._outbox.start = {"type": "http.response.start", "status": 500, "headers": lines}
        self._outbox.put(SORRY)
