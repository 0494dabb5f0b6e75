"""Whether raglan itself can page: said in words, for people and for whoever watches."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from ipaddress import ip_address

from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor

from raglan.config import config
from raglan.core import metrics
from raglan.core.engine import Engine
from raglan.edge.answers import Receive, Scope, Send, answer, answer_json, header
from raglan.edge.journal import Journal

LATE_S = 60.0
TICK_S = 20.0
FULL = 0.8
Look = Callable[[], "list[Check]"]
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    words: str


class Health:
    """Answers /livez, /healthz, /readyz and /metrics."""

    def __init__(self, engine: Engine | None, journal: Journal | None) -> None:
        self._engine = engine
        self._journal = journal
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="raglan-health")
        self._migrated = False
        self.draining = False

    def takes(self, path: str) -> bool:
        """Tell whether a path is ours."""
        return path in ("/livez", "/healthz", "/readyz", "/metrics")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match scope["path"]:
            case "/livez":
                await answer(send, 200, b"alive\n")
            case "/metrics":
                await self._metrics(scope, send)
            case "/readyz":
                await self._report(send, await self._run(self._ready))
            case _:
                if b"tick=next" in scope["query_string"]:
                    await self._wait_for_tick()
                await self._report(send, await self._run(self._healthy))

    async def _run(self, look: Look) -> list[Check]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, _with_database, look)

    async def _report(self, send: Send, checks: list[Check]) -> None:
        good = all(check.ok for check in checks)
        body = {"ok": good, "checks": [asdict(check) for check in checks]}
        await answer_json(send, 200 if good else 503, body, headers={"Cache-Control": "no-store"})

    async def _wait_for_tick(self) -> None:
        """Wait until the engine has gone round once more, at most five seconds."""
        if self._engine is None:
            return
        before, until = self._engine.ticks, time.monotonic() + 5
        while self._engine.ticks < before + 2 and time.monotonic() < until:
            self._engine.wake()
            await asyncio.sleep(0.02)

    def _ready(self) -> list[Check]:
        checks = [
            Check("process", not self.draining, "shutting down" if self.draining else "takes requests"),
            _database(),
        ]
        if checks[-1].ok:
            checks.append(self._migrations())
        return [*checks, self._tick()]

    def _healthy(self) -> list[Check]:
        return [_database(), self._tick(), self._lateness(), self._queue()]

    def _migrations(self) -> Check:
        if not self._migrated:
            executor = MigrationExecutor(connection)
            self._migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return Check(
            "migrations", self._migrated, "up to date" if self._migrated else "the database is older than this raglan"
        )

    def _tick(self) -> Check:
        if self._engine is None:
            return Check("engine", ok=True, words="not run by this process")
        age = time.monotonic() - self._engine.last_tick
        return Check("engine", age < TICK_S, f"went round {age:.1f} s ago")

    def _lateness(self) -> Check:
        if self._engine is None:
            return Check("timers", ok=True, words="not looked at by this process")
        late = self._engine.oldest_due_lateness()
        return Check("timers", late < LATE_S, f"the oldest due timer is {late:.1f} s late")

    def _queue(self) -> Check:
        fullness = self._journal.fullness if self._journal else 0.0
        return Check("intake", fullness < FULL, f"its queue is {fullness:.0%} full")

    async def _metrics(self, scope: Scope, send: Send) -> None:
        token = config().metrics_token.get_secret_value()
        client = scope.get("client")
        local = client is not None and ip_address(str(client[0])).is_loopback and not header(scope, b"x-forwarded-for")
        if not local and (not token or header(scope, b"authorization") != f"Bearer {token}"):
            await answer_json(send, 401, {"code": "not_signed_in", "message": "Metrics need the metrics token."})
            return
        if self._engine is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, _lateness_of, self._engine)
        await answer(send, 200, metrics.render(), content_type=METRICS_TYPE)


def _lateness_of(engine: Engine) -> None:
    close_old_connections()
    try:
        engine.oldest_due_lateness()
    except (DatabaseError, InterfaceError):
        metrics.timer_lateness.set(float("nan"))
    finally:
        close_old_connections()


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        return Check("database", ok=False, words=f"does not answer: {error}"[:200])
    return Check("database", ok=True, words=f"answers ({connection.vendor})")


def _with_database(look: Look) -> list[Check]:
    close_old_connections()
    try:
        return look()
    except (DatabaseError, InterfaceError) as error:
        return [Check("database", ok=False, words=f"does not answer: {error}"[:200])]
    finally:
        close_old_connections()
