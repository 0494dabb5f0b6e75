"""Whether raglan itself can page: said in words, for people and for whoever watches."""

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from raglan.alerts.ports import Batch, Outcome
from raglan.config import config
from raglan.core import metrics
from raglan.core.clock import CLOCK
from raglan.core.db import deadline
from raglan.core.engine import JUMP, MOST_SKEW_S, Engine
from raglan.core.errors import NotSignedIn, Overloaded
from raglan.edge.answers import Receive, Scope, Send, answer, answer_json, header, refuse
from raglan.edge.journal import Journal
from raglan.edge.threads import Threads

LATE_S = 60.0
TICK_S = 20.0
NEXT_TICK_S = 10.0
FULL = 0.8
ANSWER_S = 4.0
LOOKS_S = 8.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PATHS = ("/livez", "/healthz", "/readyz", "/readyz/intake", "/metrics")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    words: str


class Health:
    """Answers /livez, /healthz, /readyz, /readyz/intake and /metrics.

    It has threads of its own, so that it can say so when those of the screens are stuck. `is_quiet` tells that the
    engine waits on purpose: a restored copy pages nobody until a person has looked.
    """

    def __init__(
        self,
        engine: Engine | None,
        journal: Journal[Batch, Outcome] | None,
        *,
        is_quiet: Callable[[], bool] = lambda: False,
        is_migrated: bool = False,
        more: Callable[[], list[Check]] = list,
        spools: Callable[[], bool] = lambda: False,
    ) -> None:
        self._more = more
        self._spools = spools
        self._engine = engine
        self._journal = journal
        self._is_quiet = is_quiet
        self._threads = Threads("health", 2, line=32)
        self._migrated = is_migrated
        self.draining = False
        self.last_resort: Callable[[], list[Check]] = list

    def takes(self, path: str) -> bool:
        """Tell whether a path is ours."""
        return path in PATHS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match scope["path"]:
            case "/livez":
                await answer(send, 200, b"alive\n")
            case "/metrics":
                await self._metrics(scope, send)
            case "/readyz":
                await self._report(send, await self._run(self._ready))
            case "/readyz/intake":
                await self._report(send, await self._ready_for_signals())
            case _:
                waited = await self._next_tick() if b"tick=next" in scope["query_string"] else []
                await self._report(send, [*waited, *await self._run(self._healthy)])

    def close(self, timeout: float = 0.0) -> bool:
        """End the threads; return whether that was done in time."""
        return self._threads.stop(timeout)

    async def _run(self, look: Callable[[], list[Check]]) -> list[Check]:
        try:
            async with asyncio.timeout(LOOKS_S):
                return await self._threads.ask(look)
        except (TimeoutError, Overloaded, DatabaseError) as error:
            words = f"does not answer in time ({type(error).__name__})"
            return [Check("database", ok=False, words=words), *self.last_resort()]

    async def _report(self, send: Send, checks: list[Check]) -> None:
        good = all(check.ok for check in checks)
        body = {"ok": good, "checks": [asdict(check) for check in checks]}
        await answer_json(send, 200 if good else 503, body, headers={"Cache-Control": "no-store"})

    async def _next_tick(self) -> list[Check]:
        """Wait for a tick that began after the question: the second to end from now on."""
        if self._engine is None or self._is_quiet():
            return []
        wanted, until = self._engine.ticks + 2, time.monotonic() + NEXT_TICK_S
        while self._engine.ticks < wanted and time.monotonic() < until:
            self._engine.wake()
            await asyncio.sleep(0.02)
        came = self._engine.ticks >= wanted
        return [Check("tick", came, "went round" if came else f"did not go round within {NEXT_TICK_S:.0f} s")]

    def _ready(self) -> list[Check]:
        words = "shutting down" if self.draining else "takes requests"
        checks = [Check("process", not self.draining, words), _database()]
        if checks[-1].ok:
            checks.append(self._migrations())
        return [*checks, self._ticking(quiet_is_fine=True), *self.last_resort()]

    async def _ready_for_signals(self) -> list[Check]:
        """For a balancer of intake: with a spool, signals are taken while the database is away."""
        words = "shutting down" if self.draining else "takes requests"
        checks = [Check("process", not self.draining, words), self._queue()]
        if self._spools():
            spool = Check("spool", ok=True, words="takes signals when the database does not")
            return [*checks, spool, *(replace(one, ok=True) for one in self.last_resort())]
        return [*checks, *await self._run(lambda: [_database()])]

    def _healthy(self) -> list[Check]:
        checks = [_database(), self._ticking(quiet_is_fine=False), self._queue(), self._clock()]
        checks += [*self._more(), *self.last_resort()]
        return [*checks, self._lateness()] if checks[0].ok else checks

    def _clock(self) -> Check:
        """A clock that was set while we ran moves no wait; one that differs from the database's keeps us from work."""
        if self._engine is None:
            return Check("clock", ok=True, words="not looked at by this process")
        skew = self._engine.clock_skew_s
        if abs(skew) > MOST_SKEW_S:
            words = f"differs from the database's by {abs(skew):.0f} s, so that this node does no due work"
            return Check("clock", ok=False, words=words)
        drift = CLOCK.drift()
        if abs(drift) <= JUMP:
            return Check("clock", ok=True, words="goes evenly")
        way = "ahead of" if drift > JUMP else "behind"
        words = (
            f"the machine's was set and is {abs(drift.total_seconds()):.0f} s {way} raglan's; a restart takes it over"
        )
        return Check("clock", ok=True, words=words)

    def _migrations(self) -> Check:
        if not self._migrated:
            executor = MigrationExecutor(connection)
            self._migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        words = "up to date" if self._migrated else "the database is older than this raglan"
        return Check("migrations", self._migrated, words)

    def _ticking(self, *, quiet_is_fine: bool) -> Check:
        if self._engine is None:
            return Check("engine", ok=True, words="not run by this process")
        if self._is_quiet():
            words = "waits: this is a restored copy, which pages nobody until Setup is told that it may"
            return Check("engine", ok=quiet_is_fine, words=words)
        if not self._engine.is_running:
            return Check("engine", ok=False, words="does not run")
        age = time.monotonic() - self._engine.last_tick
        return Check("engine", age < TICK_S, f"went round {age:.1f} s ago")

    def _lateness(self) -> Check:
        if self._engine is None:
            return Check("timers", ok=True, words="not looked at by this process")
        late = self._engine.oldest_due_lateness()
        return Check("timers", late < LATE_S, f"the oldest due timer is {late:.1f} s late")

    def _queue(self) -> Check:
        if self._journal is None:
            return Check("intake", ok=True, words="not run by this process")
        if not self._journal.is_writing:
            return Check("intake", ok=False, words="nothing writes signals to the disk")
        fullness, waited = self._journal.fullness, self._journal.waited_s
        words = f"its queue is {fullness:.0%} full, its oldest signal waits {waited:.1f} s"
        return Check("intake", fullness < FULL and waited < LATE_S, words)

    async def _metrics(self, scope: Scope, send: Send) -> None:
        if not (is_local(scope) or _has_token(scope)):
            await refuse(send, NotSignedIn("Metrics are for this machine only, or need the metrics token."))
            return
        if self._engine is not None:
            await self._run(lambda: [self._lateness()])
        await answer(send, 200, metrics.render(), content_type=METRICS_TYPE)


def is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine itself, and not through a proxy on it."""
    client = scope.get("client")
    if client is None or any(header(scope, name) for name in (b"x-forwarded-for", b"forwarded", b"x-real-ip")):
        return False
    address = ip_address(str(client[0]))
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _has_token(scope: Scope) -> bool:
    token = config().metrics_token.get_secret_value()
    said = header(scope, b"authorization")
    return bool(token) and hmac.compare_digest(said.encode("latin-1"), f"Bearer {token}".encode())


def _database() -> Check:
    try:
        with deadline(ANSWER_S), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        # Anybody may read this, and the driver's words name hosts and users; the log has them.
        return Check("database", ok=False, words=f"does not answer ({type(error).__name__})")
    return Check("database", ok=True, words=f"answers ({connection.vendor})")
