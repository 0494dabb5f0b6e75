"""The ASGI app of one process: health, intake, live streams, and everything else to Django."""

from raglan.core.errors import NotFound
from raglan.edge.answers import Receive, Scope, Send, refuse
from raglan.edge.bridge import Bridge
from raglan.edge.health import Health
from raglan.edge.intake import Intake
from raglan.edge.live import Hub
from raglan.edge.peers import Peers


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
        self._intake = intake
        self._hub = hub
        self._bridge = bridge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of connection are closed."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        path = scope["path"]
        if self._health.takes(path):
            await self._health(scope, receive, send)
        elif self._intake is not None and self._intake.takes(scope):
            await self._intake(scope, receive, send)
        elif self._peers is not None and self._peers.takes(path):
            await self._peers(scope, receive, send)
        elif self._hub is not None and path == "/live":
            await self._hub(scope, receive, send)
        elif self._bridge is not None:
            await self._bridge(scope, receive, send)
        else:
            await refuse(send, NotFound("This process does not serve screens."))
