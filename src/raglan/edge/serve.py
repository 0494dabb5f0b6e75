"""`raglan serve`: one process, one port. Starts everything, takes signals over, and ends everything in order."""

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import TypeVar

import uvloop
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection

from raglan.alerts import actions as alerts
from raglan.config import Config
from raglan.core import logs, timeline
from raglan.core.backup import restored_mark
from raglan.core.db import lock
from raglan.core.db.check import NotDurable
from raglan.core.engine import Engine
from raglan.core.errors import RaglanError
from raglan.edge import server, startup
from raglan.edge.answers import Scope, header
from raglan.edge.app import Edge
from raglan.edge.bridge import Bridge
from raglan.edge.health import Health
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from raglan.edge.listen import Listener
from raglan.edge.live import Hub

TICK_LIMIT_S = 60.0
LOOP_LIMIT_S = 20.0
log = logs.get("raglan.serve")
Say = Callable[[str], object]
T = TypeVar("T")


def serve(config: Config, *, migrate: bool = True, say: Say = print) -> int:
    """Serve until a signal; return the exit code. Django must be set up."""
    logs.configure(config.log_level)
    try:
        held = lock.acquire(config.data_dir) if connection.vendor == "sqlite" else None
        listening = server.take_port(config.host, config.port)
        for fact in startup.prepare(config, migrate=migrate):
            log.info("the database keeps what it acknowledges", extra={"fact": fact})
    except (RaglanError, NotDurable, OSError) as error:
        say(str(error))
        return 1
    try:
        return int(uvloop.run(Process(config, listening, say).run()))
    finally:
        listening.close()
        if held is not None:
            held.release()


class Process:
    """All parts of one running raglan."""

    def __init__(self, config: Config, listening: socket.socket, say: Say) -> None:
        self._config = config
        self._socket = listening
        self._say = say
        roles = config.roles
        self._engine = Engine(config.engine_threads) if "engine" in roles else None
        self._journal = Journal(alerts.ingest, most=config.intake_queue) if "edge" in roles else None
        self._intake = Intake(self._journal, trusted_proxies=config.trusted_proxy_count) if self._journal else None
        self._health = Health(self._engine, self._journal)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="raglan-live")
        self._hub = Hub(authorize=self._may_listen, replay=self._replay) if "edge" in roles else None
        self._bridge = self._make_bridge() if "web" in roles else None
        self._listener = Listener() if connection.vendor == "postgresql" else None
        self._stop = asyncio.Event()
        self._ended = threading.Event()
        self._last_beat = time.monotonic()

    def _make_bridge(self) -> Bridge:
        return Bridge(
            get_wsgi_application(),
            threads=self._config.web_threads,
            trusted_proxies=self._config.trusted_proxy_count,
        )

    async def run(self) -> int:
        """Start all parts, serve, and end them in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        newest = await loop.run_in_executor(self._pool, _with_database, timeline.newest_id)
        self._start(newest)
        edge = Edge(health=self._health, intake=self._intake, hub=self._hub, bridge=self._bridge)
        serving_app = server.make(edge)
        serving = asyncio.create_task(serving_app.serve(sockets=[self._socket]))
        beating = asyncio.create_task(self._beat())
        while not serving_app.started and not serving.done():
            await asyncio.sleep(0.005)
        for line in await loop.run_in_executor(self._pool, _with_database, partial(startup.first_words, self._config)):
            self._say(line)
        sys.stdout.flush()
        gc.collect()
        gc.freeze()
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        code = await self._end(serving_app, serving)
        for task in (beating, stopped):
            task.cancel()
        return code

    def _start(self, newest: int) -> None:
        if self._hub is not None:
            self._hub.start(newest)
        if self._listener is not None:
            self._listener.start()
        if self._journal is not None:
            self._journal.start()
        if self._engine is not None:
            if mark := restored_mark(self._config.data_dir):
                self._say(f"This is a restored copy ({mark}). raglan pages nobody until it is confirmed under Setup.")
            else:
                self._engine.start()
        threading.Thread(target=self._watch, name="raglan-watchdog", daemon=True).start()

    def _signalled(self) -> None:
        if self._stop.is_set():
            os._exit(130)
        self._ended.set()
        self._stop.set()

    async def _end(self, serving_app: server.Server, serving: asyncio.Task[None]) -> int:
        """Streams first, then requests under way, then signals that wait, then timers under way."""
        log.info("shutting down")
        until = time.monotonic() + self._config.drain_s
        self._health.draining = True
        if self._hub is not None:
            self._hub.stop()
        serving_app.should_exit = True
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(serving), max(0.5, self._config.drain_s / 2))
        if not serving.done():
            serving_app.force_exit = True
            await asyncio.wait({serving}, timeout=1)
        ended = await asyncio.to_thread(self._end_threads, until)
        log.info("ended", extra={"in_order": ended})
        return 0 if serving.done() and not serving.exception() else 1

    def _end_threads(self, until: float) -> bool:
        ended = [True]
        if self._journal is not None:
            ended.append(self._journal.stop(max(0.5, until - time.monotonic())))
        if self._engine is not None:
            ended.append(self._engine.stop(max(0.5, until - time.monotonic())))
        if self._listener is not None:
            self._listener.stop()
        for part in (self._bridge, self._intake):
            if part is not None:
                part.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        close_old_connections()
        return all(ended)

    async def _beat(self) -> None:
        while True:
            self._last_beat = time.monotonic()
            await asyncio.sleep(1)

    def _watch(self) -> None:
        """End a process that is stuck, so that whatever supervises it starts a fresh one."""
        while not self._ended.wait(1.0):
            at = time.monotonic()
            ticking = self._engine is None or not self._engine.is_running or at - self._engine.last_tick < TICK_LIMIT_S
            if not ticking or at - self._last_beat > LOOP_LIMIT_S:
                log.error("raglan is stuck and ends itself", extra={"engine": not ticking})
                os._exit(70)

    async def _may_listen(self, scope: Scope) -> bool:
        key = _session_key(header(scope, b"cookie"))
        if not key:
            return False
        return await asyncio.get_running_loop().run_in_executor(self._pool, _with_database, partial(_is_signed_in, key))

    async def _replay(self, since: int) -> list[str] | None:
        look = partial(timeline.names_since, since)
        return await asyncio.get_running_loop().run_in_executor(self._pool, _with_database, look)


def _session_key(cookie: str) -> str:
    try:
        found = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_signed_in(key: str) -> bool:
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return bool(store.get("_auth_user_id"))


def _with_database(look: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return look()
    finally:
        close_old_connections()
