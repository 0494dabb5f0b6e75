"""Reads request bodies: bounded in size and in time, in memory or on disk."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import IO

from raglan.core.errors import BadInput, Overloaded
from raglan.edge.answers import Receive, Scope, header

MEMORY = 1024 * 1024
PIECE = 256 * 1024
IDLE_S = 20.0
WHOLE_S = 300.0


class ClientGone(Exception):
    """Whoever asked is not there any more."""


class TooLarge(BadInput):
    """A body beyond the limit."""

    def __init__(self, most: int) -> None:
        super().__init__("", f"the body has more than {most // (1024 * 1024)} MiB", status=413)


class TooSlow(BadInput):
    """A body of which nothing came for long."""

    def __init__(self) -> None:
        super().__init__("", "the body did not come in time", status=408)


def check_length(scope: Scope, most: int) -> None:
    """Refuse what says beforehand that it is too large, so that a client that asks first need not send it."""
    said = header(scope, b"content-length")
    if said.isdigit() and int(said[:19]) > most:
        raise TooLarge(most)


async def pieces(receive: Receive, *, most: int, idle_s: float, whole_s: float) -> AsyncIterator[bytes]:
    """Give a body as it comes. Raises TooLarge, TooSlow, ClientGone."""
    size, until = 0, time.monotonic() + whole_s
    more = True
    while more:
        try:
            async with asyncio.timeout(min(idle_s, max(0.0, until - time.monotonic()))):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = bool(message.get("more_body"))
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise TooLarge(most)
        if piece:
            yield piece


async def read(receive: Receive, *, most: int, idle_s: float, whole_s: float) -> bytes:
    """Return a whole body from memory."""
    return b"".join([piece async for piece in pieces(receive, most=most, idle_s=idle_s, whole_s=whole_s)])


class Body:
    """A whole request body, ready to be read from its beginning."""

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool
        self.file: IO[bytes] = SpooledTemporaryFile(max_size=MEMORY)  # noqa: SIM115 -- closed below
        self.size = 0
        self.is_large = False

    async def add(self, piece: bytes) -> None:
        """Append; beyond 1 MiB on a thread, because a disk may be slow."""
        self.size += len(piece)
        if self.size <= MEMORY:
            self.file.write(piece)
            return
        if not self.is_large:
            self._spool.take_place()
            self.is_large = True
        await asyncio.to_thread(self.file.write, piece)

    def close(self) -> None:
        """Forget it; on any thread, safe to call twice."""
        self.file.close()
        if self.is_large:
            self.is_large = False
            self._spool.give_place_back()


class Spool:
    """Keeps bodies until a thread takes them: to 1 MiB in memory, then in files without a name, so many at once."""

    def __init__(self, *, most: int, large_at_once: int) -> None:
        self._most = most
        self._places = large_at_once
        self._lock = threading.Lock()

    async def read(self, scope: Scope, receive: Receive) -> Body:
        """Return a body, to be closed by the caller. Raises TooLarge, TooSlow, ClientGone, Overloaded."""
        check_length(scope, self._most)
        body = Body(self)
        held = bytearray()
        try:
            async for piece in pieces(receive, most=self._most, idle_s=IDLE_S, whole_s=WHOLE_S):
                held += piece
                if len(held) >= PIECE:
                    await body.add(bytes(held))
                    held.clear()
            await body.add(bytes(held))
            body.file.seek(0)
        except BaseException:
            body.close()
            raise
        return body

    def take_place(self) -> None:
        """Take the place of a large body. Raises Overloaded."""
        with self._lock:
            if not self._places:
                raise Overloaded("Too many large bodies at once. Try again in a few seconds.", retry_after=5)
            self._places -= 1

    def give_place_back(self) -> None:
        """Let another large body in."""
        with self._lock:
            self._places += 1
