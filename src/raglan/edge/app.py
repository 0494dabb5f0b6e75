"""The ASGI app of one process: health, intake, live streams, and everything else to Django."""

from raglan.core.errors import NotFound, Overloaded
from raglan.edge.answers import Receive, Scope, Send, refuse
from raglan.edge.at_once import Reply
from raglan.edge.bridge import Bridge
from raglan.edge.fleet import Fleet
from raglan.edge.gate import Gate
from raglan.edge.health import Health
from raglan.edge.intake import Intake
from raglan.edge.last_resort.door import Door
from raglan.edge.live import Hub
from raglan.edge.peers import Peers
from raglan.edge.reserve import RETRY_S, Reserve

SAFE = "raglan ended unexpectedly several times, so it only takes alerts and pages now. Its log says why."

AWAY = "The database does not answer. Alerts are taken, and critical ones page; all else waits for it."


class Edge:
    """Routes requests; parts that this process does not run answer 404."""

    def __init__(
        self,
        *,
        health: Health,
        intake: Intake | None,
        hub: Hub | None,
        bridge: Bridge | None,
        peers: Peers | None = None,
    ) -> None:
        self._health = health
        self._peers = peers
        self.reserve: Reserve | None = None
        self.is_safe = False
        self.is_waiting = False
        self.away: Door | None = None
        self.gate: Gate | None = None
        self.fleet: Fleet | None = None
        self._intake = intake
        self._hub = hub
        self._bridge = bridge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection are closed."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        if self._health.takes(scope["path"]):
            await self._health(scope, receive, send)
        elif self.gate is not None and self.gate.takes(scope["path"]):
            await self.gate(scope, receive, send)
        elif self._intake is not None and self._intake.takes(scope):
            await self._take_in(self._intake, scope, receive, send)
        elif self.fleet is not None and self.fleet.takes(scope):
            await self._take_in(self.fleet, scope, receive, send)
        else:
            await self._others(scope, receive, send)

    def at_once(self, scope: Scope, body: bytes, reply: Reply) -> bool:
        """Take a POST whose body is whole without a task of its own, where that is known to be enough."""
        if self._intake is None or (self.reserve is not None and self.reserve.is_spent):
            return False
        return self._intake.at_once(scope, body, reply)

    def bytes_at_once(self, data: bytes, remote: str, reply: Reply) -> bool:
        """Take a whole request as it came, where nothing in it is out of the ordinary."""
        if self._intake is None or (self.reserve is not None and self.reserve.is_spent):
            return False
        return self._intake.bytes_at_once(data, remote, reply)

    async def _take_in(self, intake: Intake | Fleet, scope: Scope, receive: Receive, send: Send) -> None:
        if self.reserve is not None and self.reserve.is_spent:
            full = Overloaded("The disk is full. What was accepted is delivered.", retry_after=RETRY_S)
            await refuse(send, full)
            return
        await intake(scope, receive, send)

    async def _others(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.away is not None and self.away.takes(scope["path"]):
            await self.away(scope, receive, send)
        elif self._peers is not None and self._peers.takes(scope["path"]):
            await self._peers(scope, receive, send)
        elif self._hub is not None and scope["path"] == "/live":
            await self._hub(scope, receive, send)
        elif self._bridge is not None:
            await self._bridge(scope, receive, send)
        elif self.is_waiting:
            await refuse(send, Overloaded(AWAY, retry_after=RETRY_S))
        elif self.is_safe:
            await refuse(send, Overloaded(SAFE, retry_after=RETRY_S))
        else:
            await refuse(send, NotFound("This process does not serve screens."))
