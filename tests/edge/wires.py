"""One connection without a socket: what is fed to its protocol, and what came of it."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from raglan.alerts.ports import Batch, Outcome, SourceKey
from raglan.core.errors import NotSignedIn, RaglanError
from raglan.edge.intake import Intake
from raglan.edge.protocol import Protocol

TOKEN = "a-token"
HERE = "127.0.0.1"
QUIET: dict[str, Any] = {"log_config": None, "access_log": False, "proxy_headers": False}
Done = Callable[[Outcome | RaglanError], None]


class Pipe(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self.has_ended = self.is_paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.has_ended
        self.said += data

    def is_closing(self) -> bool:
        return self.has_ended

    def close(self) -> None:
        self.has_ended = True

    abort = close

    def write_eof(self) -> None:
        pass

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": (HERE, 40_000), "sockname": (HERE, 80)}.get(name, default)


@dataclass
class Ledger:
    """A journal that stores nothing: it answers in the next turn of the loop, or when it is told to."""

    waits: bool = False
    outcome: Outcome | RaglanError = field(default_factory=lambda: Outcome(new=1))
    taken: list[list[dict[str, str]]] = field(default_factory=list)
    waiting: list[Done] = field(default_factory=list)

    def put_then(self, batch: Batch, done: Done) -> None:
        self.taken.append([dict(signal.labels) for signal in batch.decoded.signals])
        self.waiting.append(done)
        if not self.waits:
            asyncio.get_running_loop().call_soon(self.go_on)

    def go_on(self) -> None:
        waiting, self.waiting = self.waiting, []
        for done in waiting:
            done(self.outcome)

    async def put(self, batch: Batch) -> Outcome:
        future: asyncio.Future[Outcome | RaglanError] = asyncio.get_running_loop().create_future()
        self.put_then(batch, future.set_result)
        result = await future
        if isinstance(result, RaglanError):
            raise result
        return result


def look(token: str) -> SourceKey:
    if token != TOKEN:
        raise NotSignedIn("This token is not known.")
    return SourceKey(1, "p", "alertmanager")


class Wires:
    """An intake that knows its source, and connections to it."""

    def __init__(self, app: Any = None, **options: Any) -> None:
        self.ledger = Ledger()
        self.intake = Intake(self.ledger, look=look, **options)  # type: ignore[arg-type]  # it is all that is used
        self.intake._met[1] = (HERE, float("inf"))
        self._config = uvicorn.Config(app or self.intake, http=Protocol, ws="none", lifespan="off", **QUIET)
        self._config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"today")]

    def open(self) -> tuple[Protocol, Pipe]:
        protocol, pipe = Protocol(self._config, self.state, {}), Pipe()
        protocol.connection_made(pipe)
        return protocol, pipe

    async def meet(self) -> None:
        """Let door and token be known."""
        assert (await self.tell([plain()])).startswith(b"HTTP/1.1 200")
        self.ledger.taken.clear()

    async def tell(self, pieces: Sequence[bytes]) -> bytes:
        """Feed pieces to a connection of their own; return all that it said, with a mark when it was closed."""
        protocol, pipe = self.open()
        for piece in pieces:
            await self._rest(protocol, pipe)
            if pipe.has_ended:
                break
            protocol.data_received(piece)
        await self._rest(protocol, pipe)
        said = bytes(pipe.said) + (b"[closed]" if pipe.has_ended else b"")
        pipe.close()
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        return said

    async def _rest(self, protocol: Protocol, pipe: Pipe) -> None:
        """Wait until nothing is under way but what waits for more bytes."""
        for _ in range(5_000):
            cycle = protocol.cycle
            is_waiting = cycle is not None and not cycle.response_complete and not protocol._body_is_open
            if not (is_waiting or protocol.pipeline) or pipe.has_ended:
                await asyncio.sleep(0)
                return
            await asyncio.sleep(0 if self.ledger.waiting else 0.0002)
        raise AssertionError("a request was never answered")


def alert(name: str = "Down", **more: str) -> bytes:
    """Return an alert without a time, so that it fires whenever it is sent."""
    return json.dumps([{"labels": {"alertname": name}, **more}]).encode()


def plain(body: bytes | None = None, *, head: str = "", path: str = f"/integrations/{TOKEN}/api/v2/alerts") -> bytes:
    """Return a request in which nothing is out of the ordinary, unless `head` or `path` is."""
    body = alert() if body is None else body
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def without_length(text: bytes) -> bytes:
    return re.sub(rb"Content-Length: \d+\r\n", b"", text)
