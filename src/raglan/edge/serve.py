"""`raglan serve`: one process, one port. Starts everything, takes signals over, and ends everything in order."""

import asyncio
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module

import uvloop
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections
from django.urls import get_resolver

from raglan.alerts import actions as alerts
from raglan.changes.gate import Asked, HoldRule
from raglan.config import Config
from raglan.core import disk, loading, logs, timeline, timers
from raglan.core.backup import restored_mark
from raglan.core.db import bulk, lock
from raglan.core.engine import Engine
from raglan.core.errors import RaglanError
from raglan.edge import crashes, life, server, startup, waiting
from raglan.edge.app import Edge
from raglan.edge.audience import Audience
from raglan.edge.bridge import Bridge
from raglan.edge.catching_up import CatchingUp, is_database_ready
from raglan.edge.fleet import GROUP_KB, LINGER_S, QUEUE_KB, Fleet
from raglan.edge.gate import Gate
from raglan.edge.gate_file import GateFile
from raglan.edge.health import Check, Health
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal, waiting_reports
from raglan.edge.last_resort.door import Door
from raglan.edge.last_resort.pager import Pager
from raglan.edge.live import Hub
from raglan.edge.peers import Peers
from raglan.edge.pulse import Pulse
from raglan.edge.repeats import Repeats
from raglan.edge.reserve import Reserve
from raglan.edge.spool import Spool
from raglan.edge.threads import Threads
from raglan.edge.watchdog import Signs, Watchdog
from raglan.fleet import intake as fleet
from raglan.fleet import roll
from raglan.people import access

FORCED_S = 1.0
# A commit makes thousands of objects that live until its end: at Python's own 700 each would be looked at many times.
COLLECT = (20_000, 10, 20)
AUDIENCE_LINE = 4_000
TRIES, TRY_AGAIN_S = 3, 1.0  # of a start whose database went away and came back meanwhile
log = logs.get("raglan.serve")
Say = Callable[[str], object]


def serve(config: Config, *, migrate: bool = True, say: Say = print) -> int:
    """Serve until a signal; return the exit code. Django must be set up."""
    logs.configure(config.log_level)
    with ExitStack() as held:
        try:
            if connection.vendor == "sqlite":
                held.enter_context(lock.acquire(config.data_dir))
            listening = held.enter_context(server.take_port(config.host, config.port))
            allow_many_connections()
            if not _prepare(config, listening, say, migrate=migrate):
                return 0
        except (RaglanError, OSError) as error:
            say(str(error))
            return 1
        name_port(config, listening)
        process = Process(config, listening, say, is_safe=is_safe_mode(config))
        try:
            code = uvloop.run(process.run())
        finally:
            process.over()
        crashes.ended(config.data_dir)
        return code


def _prepare(config: Config, listening: socket.socket, say: Say, *, migrate: bool) -> bool:
    """Make the database ready; wait for one that is away, and take alerts meanwhile. False: told to end.

    Raises RaglanError, and what the database raises.
    """
    since, tries = time.monotonic(), 0
    while True:
        try:
            for complaint in startup.prepare(config, migrate=migrate):
                log.warning("the database may lose what it acknowledged", extra={"complaint": complaint})
            return True
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            if is_database_ready():
                tries += 1
                if tries > TRIES or not isinstance(error, OperationalError | InterfaceError):
                    raise
                time.sleep(TRY_AGAIN_S)
                continue
            log.error("the database does not answer", extra={"error": str(error)[:300]})
            if not waiting.wait(config, listening, say, since=since):
                return False


def is_safe_mode(config: Config) -> bool:
    """Note this start; take the screens away when raglan ended unexpectedly too often lately."""
    unexpected = crashes.begun(config.data_dir)
    if not config.safe_mode_after or unexpected < config.safe_mode_after or "web" not in config.roles:
        return False
    config.roles = config.roles - {"web"}
    log.critical("safe mode: no screens until the next orderly restart", extra={"unexpected_ends": unexpected})
    return True


def allow_many_connections() -> None:
    """Take all the file descriptors that we may have: each stream needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def name_port(config: Config, listening: socket.socket) -> None:
    """Let links name the port that was taken, where the options left it open."""
    if config.port == 0:
        config.port = int(listening.getsockname()[1])
        config.public_url = config.public_url.removesuffix(":0") + f":{config.port}"


class Process:
    """All parts of one running raglan."""

    def __init__(self, config: Config, listening: socket.socket, say: Say, *, is_safe: bool = False) -> None:
        self._config = config
        self._is_safe = is_safe
        self._socket = listening
        self._say = say
        roles = config.roles
        self._engine = Engine(config.engine_threads) if "engine" in roles else None
        self._is_quiet = self._engine is not None and restored_mark(config.data_dir) is not None
        self._journal = Journal(alerts.ingest, most=config.intake_queue) if "edge" in roles else None
        if self._journal is not None:
            self._journal.begin = alerts.begin_intake
        self._repeats = Repeats(alerts.seen_again, keeps=connection.vendor == "sqlite")
        proxies = config.trusted_proxy_count
        self._reserve = Reserve(config.data_dir, config.disk_reserve_mb)
        self._spool = self._make_spool()
        self._intake = self._make_intake(proxies) if self._journal else None
        self._fleet_journal = Journal(fleet.take, most=QUEUE_KB, group=GROUP_KB, linger_s=LINGER_S, name="raglan-fleet")
        self._fleet_journal.begin = bulk.keep_many_pages
        self._fleet_journal.waiting = waiting_reports
        self._fleet = self._make_fleet() if "edge" in roles else None
        self._catching_up = CatchingUp(self._spool, self._journal) if self._spool and self._journal else None
        more = self._more_checks
        self._health = Health(
            self._engine,
            self._journal,
            is_quiet=lambda: self._is_quiet,
            is_migrated=True,
            more=more,
            spools=lambda: self._spool is not None and self._spool.has_room,
        )
        self._readers = Threads("readers", 2, line=AUDIENCE_LINE)
        audience = Audience(self._readers)
        self._hub = self._make_hub(audience) if "edge" in roles else None
        self._peers = Peers() if "edge" in roles and config.peer_url else None
        self._gate = Gate(knows_token, trusted_proxies=proxies) if "edge" in roles else None
        self._bridge = self._make_bridge() if "web" in roles else None
        # The driver of PostgreSQL is large, so that it is loaded only where it is used.
        postgresql = connection.vendor == "postgresql"
        self._listener = import_module("raglan.edge.listen").Listener() if postgresql else None
        # What reads mail is loaded only where mail comes in.
        takes_mail = config.mail_in_port and "edge" in roles
        self._mail = import_module("raglan.edge.mail").Listener(config) if takes_mail else None
        self._gate_file = self._make_gate_file()
        asks_dns = config.gate_dns_port and self._gate is not None
        dns = import_module("raglan.edge.gate_dns").Dns if asks_dns else None
        self._dns = dns(config, self._rules, self._and_known) if dns else None
        self._pulse = Pulse(also=self._end_quiet_start)
        self._pager = self._make_pager()
        self._watchdog = Watchdog(self._signs)
        self._stop = asyncio.Event()
        self._loop_seen = time.monotonic()

    def _more_checks(self) -> list[Check]:
        checks = [Check("disk", not self._reserve.is_used, self._reserve.words)]
        if self._spool is not None:
            count, room = self._spool.waiting, self._spool.has_room
            words = f"{count} requests wait for the database" if count else "empty"
            checks.append(Check("spool", room, words if room else f"full: {words}"))
        if self._is_safe:
            checks.append(Check("mode", ok=True, words="safe mode: only intake and engine, after unexpected ends"))
        return checks

    def _make_intake(self, proxies: int) -> Intake:
        assert self._journal is not None
        return Intake(
            self._journal,
            trusted_proxies=proxies,
            repeats=self._repeats,
            spool=self._spool,
            is_short=lambda: self._reserve.is_used,
        )

    def _make_fleet(self) -> Fleet:
        return Fleet(self._fleet_journal, is_short=lambda: self._reserve.is_used)

    def _make_hub(self, audience: Audience) -> Hub:
        most = self._config.live_streams
        return Hub(authorize=audience.authorize, replay=audience.replay, tell=audience.tell, max_clients=most)

    def _make_spool(self) -> Spool | None:
        """Where the database is on the same disk, there is nothing to gain from a second place on it."""
        size = self._config.spool_mb
        if connection.vendor == "sqlite" or "edge" not in self._config.roles or not size:
            return None
        return Spool(self._config.data_dir / "spool", most_mb=size)

    def _make_pager(self) -> Pager | None:
        """Page without the database where signals are taken without it."""
        config, catching_up = self._config, self._catching_up
        if self._spool is None or catching_up is None or not config.last_resort_after_s or self._is_quiet:
            return None
        pager = Pager(
            config.data_dir / "last_resort",
            self._spool,
            after_s=config.last_resort_after_s,
            every_s=config.last_resort_every_s,
            silent_since=lambda: self._pulse.silent_since,
        )
        catching_up.before = pager.tell
        if self._engine is not None:
            self._engine.is_held = pager.holds_engine
        self._health.last_resort = lambda: [Check("last resort", *pager.words)]
        return pager

    def _make_gate_file(self) -> GateFile | None:
        if self._gate is None or not self._config.gate_file:
            return None
        made = GateFile(self._config)
        self._gate.on_news = made.tell
        return made

    def _rules(self) -> Sequence[HoldRule] | None:
        return self._gate.rules if self._gate else None

    def _and_known(self, asked: Asked) -> Asked:
        return self._gate.hosts.add(asked) if self._gate else asked

    def _make_bridge(self) -> Bridge:
        count = self._config.trusted_proxy_count
        return Bridge(get_wsgi_application(), threads=self._config.web_threads, trusted_proxies=count)

    async def run(self) -> int:
        """Start all parts, serve, and end them in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        self._start(await self._readers.ask(timeline.newest_id))
        edge = Edge(health=self._health, intake=self._intake, hub=self._hub, bridge=self._bridge, peers=self._peers)
        edge.reserve, edge.is_safe = self._reserve, self._is_safe
        edge.away = Door(self._pager) if self._pager else None
        edge.gate, edge.fleet = self._gate, self._fleet
        web = server.make(edge, grace_s=self._config.drain_s / 2)
        serving = asyncio.create_task(web.serve(sockets=[self._socket]))
        seen = asyncio.create_task(self._be_seen())
        while not web.started and not serving.done():
            await asyncio.sleep(0.005)
        if self._mail is not None:
            await self._mail.start()
        if self._dns is not None:
            await self._dns.start()
        await self._greet()
        await self._load()
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        code = await self._end(web, serving)
        for task in (seen, stopped):
            task.cancel()
        return code

    def over(self) -> None:
        """Called when the loop is gone, too: from here on nothing can get stuck."""
        self._watchdog.stop()

    def _start(self, newest: int) -> None:
        life.hold_back_when(lambda: "the disk is full" if self._reserve.is_used else "")
        disk.short_when(lambda: self._reserve.is_used)
        life.is_safe = self._is_safe
        fleet_journal = self._fleet_journal if self._fleet else None
        stores = (self._journal, fleet_journal, self._repeats, self._catching_up, self._reserve)
        for part in (self._listener, *stores, self._pulse, self._pager, self._gate, self._gate_file, self._watchdog):
            if part is not None:
                part.start()
        if self._hub is not None:
            self._hub.start(newest)
        if self._is_quiet:
            self._say("This is a restored copy. raglan pages nobody until Setup is told that it may.")
        elif self._engine is not None:
            self._engine.start()

    async def _greet(self) -> None:
        for line in await self._readers.ask(lambda: startup.first_words(self._config)):
            self._say(line)
        sys.stdout.flush()

    async def _load(self) -> None:
        """Load the screens once signals and timers are served: those come first after a restart."""
        if self._bridge is not None:
            with loading.undisturbed():
                await self._bridge.load(load_screens)
        gc.collect()
        gc.freeze()  # what is loaded by now stays; no later collection needs to look at it
        gc.set_threshold(*COLLECT)
        give_back_memory()

    def _end_quiet_start(self) -> None:
        """Start the engine of a restored copy once a person has said that it may page."""
        if self._is_quiet and self._engine is not None and restored_mark(self._config.data_dir) is None:
            self._engine.start()
            self._is_quiet = False
            log.info("a restored copy pages again")

    def _signalled(self, number: signal.Signals) -> None:
        """End in order at the first signal, at once at the second."""
        if self._stop.is_set():
            os._exit(128 + number)
        self._stop.set()

    async def _end(self, web: server.Server, serving: asyncio.Task[None]) -> int:
        """Streams first, then requests under way, then signals that wait, then timers under way."""
        log.info("shutting down")
        until = time.monotonic() + self._config.drain_s
        self._watchdog.end_by(until + FORCED_S)
        self._health.draining = True
        engine = asyncio.create_task(asyncio.to_thread(self._end_engine, until))
        if self._hub is not None:
            self._hub.stop()
        if self._mail is not None:
            await self._mail.stop()
        if self._dns is not None:
            self._dns.stop()
        web.should_exit = True
        await asyncio.wait({serving}, timeout=self._config.drain_s / 2 + 0.5)
        if not serving.done():
            web.force_exit = True
            await asyncio.wait({serving}, timeout=0.5)
        ended = await asyncio.to_thread(self._end_threads, until)
        ended = await engine and ended
        if ended:
            await asyncio.to_thread(self._give_back)
        log.info("ended", extra={"in_order": ended})
        return 0 if serving.done() and not serving.exception() else 1

    def _end_engine(self, until: float) -> bool:
        """Let the engine finish while requests under way still wait for their answers."""
        if self._engine is None or self._is_quiet:
            return True
        try:
            return self._engine.stop(max(0.5, until - time.monotonic()))
        except (DatabaseError, InterfaceError):
            log.warning("claims could not be given back; they end by themselves")
            return False
        finally:
            connections.close_all()

    def _give_back(self) -> None:
        """Give back what a commit claimed that was under way when the engine ended: others need not wait for it."""
        if self._engine is None or self._is_quiet:
            return
        try:
            timers.let_go()
        except (DatabaseError, InterfaceError):
            log.warning("claims could not be given back; they end by themselves")
        finally:
            connections.close_all()

    def _end_threads(self, until: float) -> bool:
        for part in (self._catching_up, self._pager, self._gate_file):
            if part is not None:
                part.stop(0.5)
        ended = self._journal is None or self._journal.stop(max(0.5, until - time.monotonic()))
        ended = self._fleet_journal.stop(max(0.5, until - time.monotonic())) and ended
        if self._listener is not None:
            self._listener.stop()
        self._pulse.stop()
        self._reserve.stop()
        for open_part in (self._bridge, self._intake, self._fleet, self._peers, self._gate):
            if open_part is not None:
                open_part.close()
        self._repeats.stop(max(0.5, until - time.monotonic()))
        self._health.close()
        self._readers.stop()
        return ended

    async def _be_seen(self) -> None:
        while True:
            self._loop_seen = time.monotonic()
            await asyncio.sleep(1)

    def _signs(self) -> Signs:
        """Called by the watchdog."""
        runs = self._engine is not None and not self._is_quiet
        return Signs(
            loop=self._loop_seen,
            tick=self._engine.last_tick if runs and self._engine else None,
            database_since=self._pulse.answering_since,
            writer_lives=self._journal is None or (self._journal.is_writing and self._fleet_journal.is_writing),
        )


def knows_token(token: str) -> bool:
    """Whether a token is of hosts, or of somebody who may read."""
    found = access.by_token(token)
    return roll.knows(token) or (found is not None and access.Scope.READ in found.scopes)


def give_back_memory() -> None:
    """Give what loading needed for a while back to the system."""
    with suppress(OSError, AttributeError):  # a C library without this call keeps it
        ctypes.CDLL(None).malloc_trim(0)


def load_screens() -> None:
    """Import all that answers screens and REST, and all templates' machinery with it."""
    _ = get_resolver().url_patterns
