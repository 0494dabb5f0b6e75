"""A node that starts while its database is away: it takes alerts onto its own disk and pages by its own list.

It knows who may send from what it kept itself when it last ran. Once the database answers, this part ends, and the node
starts as always; connections that come in between wait in the line of the same socket.
"""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

import uvloop

from raglan.alerts import actions as alerts
from raglan.alerts.ports import SourceKey
from raglan.config import Config
from raglan.core import logs
from raglan.core.errors import Conflict, Overloaded
from raglan.core.secrets import digest
from raglan.edge import server
from raglan.edge.app import Edge
from raglan.edge.catching_up import is_database_ready
from raglan.edge.health import Check, Health
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from raglan.edge.last_resort.door import Door
from raglan.edge.last_resort.pager import Pager
from raglan.edge.last_resort.standing import Sources
from raglan.edge.reserve import Reserve
from raglan.edge.spool import Spool
from raglan.edge.threads import Threads

EVERY_S = 1.0
RETRY_S = 10
SAID = "The database does not answer. raglan takes alerts onto its own disk and pages by its own list until it does."
CAN_NOT = "The database does not answer, and this node has not run before: it does not know who may send alerts."
log = logs.get("raglan.waiting")


def wait(config: Config, listening: socket.socket, say: Callable[[str], object], *, since: float) -> bool:
    """Serve until the database answers; False when told to end.

    It has been away `since` a moment of the monotonic clock, whatever it answered in between: nothing was ready.
    Raises Conflict when there is nothing to go by.
    """
    if "edge" not in config.roles or not config.spool_mb or not config.last_resort_after_s:
        raise Conflict("The database does not answer, and this node keeps nothing to go on without it.")
    return uvloop.run(Waiting(config, listening, say, since=since).run())


class Waiting:
    """What runs of a node meanwhile."""

    def __init__(self, config: Config, listening: socket.socket, say: Callable[[str], object], *, since: float) -> None:
        self._config = config
        self._socket = listening
        self._say = say
        self._spool = Spool(config.data_dir / "spool", most_mb=config.spool_mb)
        self._spool.open()
        self._pager = Pager(
            config.data_dir / "last_resort",
            self._spool,
            after_s=config.last_resort_after_s,
            every_s=config.last_resort_every_s,
            silent_since=lambda: since,
        )
        kept = self._pager.sources.read()
        if kept is None:
            raise Conflict(CAN_NOT)
        self._reserve = Reserve(config.data_dir, config.disk_reserve_mb)
        self._intake = Intake(
            Journal(alerts.ingest, most=config.intake_queue),  # never begun: all goes to the spool
            trusted_proxies=config.trusted_proxy_count,
            look=lambda token: source_of(kept, token),
            spool=self._spool,
            is_short=lambda: self._reserve.is_used,
        )
        self._health = Health(None, None, more=self._checks, spools=lambda: self._spool.has_room)
        self._health.last_resort = lambda: [Check("last resort", *self._pager.words)]
        self._door = Door(self._pager)
        self._threads = Threads("waiting", 1, line=1)
        self._stop = asyncio.Event()

    async def run(self) -> bool:
        """Take alerts and page; return whether the database answers again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        edge = Edge(health=self._health, intake=self._intake, hub=None, bridge=None)
        edge.reserve, edge.away, edge.is_waiting = self._reserve, self._door, True
        web = server.make(edge, grace_s=self._config.drain_s / 2)
        self._reserve.start()
        self._pager.start()
        self._say(SAID)
        serving = asyncio.create_task(web.serve(sockets=[self._socket.dup()]))  # which are closed at its end
        is_back = await self._until_back()
        self._health.draining = not is_back
        web.should_exit = True
        await asyncio.wait({serving}, timeout=self._config.drain_s / 2 + 0.5)
        await asyncio.to_thread(self._end)
        return is_back

    async def _until_back(self) -> bool:
        """Wait until the database answers; False when told to end."""
        while not self._stop.is_set():
            with suppress(Overloaded):
                if await self._threads.ask(is_database_ready):
                    log.warning("the database answers; this node starts now")
                    return True
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._stop.wait()
        return False

    def _end(self) -> None:
        """Nothing may write to the spool or page once another part of this process does."""
        self._intake.close(self._config.drain_s / 2)
        self._pager.stop(self._config.drain_s / 2)
        self._spool.end()
        self._door.close()
        self._reserve.stop()
        self._health.close()
        self._threads.stop()

    def _checks(self) -> list[Check]:
        words = f"{self._spool.waiting} requests wait for the database"
        return [
            Check("disk", not self._reserve.is_used, self._reserve.words),
            Check("spool", self._spool.has_room, words if self._spool.has_room else f"full: {words}"),
            Check("start", ok=False, words="waits for the database; screens and quiet alerts wait with it"),
        ]


def source_of(kept: Sources, token: str) -> SourceKey:
    """Return the source of a token. Raises Overloaded for one that is not known: it may be newer than what was kept."""
    known: SourceKey | None = kept.known.get(digest(token)) if token else None
    if known is None:
        words = "The database does not answer, and this token was not known before. Send this again."
        raise Overloaded(words, retry_after=RETRY_S)
    return known
