"""What each connection needs, in less memory: an `asyncio.Event` and an empty `deque` take 0.7 KiB each.

A process holds thousands of connections that wait for years, each with three of them.
"""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl

ABORT = "raglan.abort"  # names in a scope: a way to cut its connection,
WIRE = "raglan.wire"  # and the connection itself


class Signal:
    """What an `asyncio.Event` does."""

    __slots__ = ("_is_set", "_waiters")

    def __init__(self, *, is_set: bool = False) -> None:
        self._is_set = is_set
        self._waiters: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        """Whether nobody needs to wait."""
        return self._is_set

    def set(self) -> None:
        """Let all go on who wait, and who come."""
        self._is_set = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def clear(self) -> None:
        """Let wait who comes from now on."""
        self._is_set = False

    async def wait(self) -> bool:
        """Wait until it is set."""
        if self._is_set:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters += (waiter,)
        try:
            await waiter
        finally:
            self._waiters = tuple(other for other in self._waiters if other is not waiter)
        return True


class Flow(FlowControl):
    """uvicorn's, without an event of asyncio's."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.read_paused = False
        self.write_paused = False
        self._is_writable_event = Signal(is_set=True)  # type: ignore[assignment]  # it does the same


class Line(list):  # type: ignore[type-arg]  # of whatever uvicorn lets wait
    """What waits behind a request on the same connection: almost always nothing."""

    __slots__ = ()

    def appendleft(self, item: object) -> None:
        """Put something at the end of the line, which is its left."""
        self.insert(0, item)
