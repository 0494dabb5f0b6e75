"""Lines to workspaces: for each one thread that sends and one that hears, beside the engine and never in its way.

Of several nodes one holds a workspace, by a lease; the next takes it over when that one is gone.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from raglan.chat import actions, catching_up, hearing, outbox, ports, queries, sending
from raglan.chat.models import Workspace
from raglan.core import engine, logs, metrics
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import DeliveryError, RaglanError
from raglan.core.timers import NODE

LOOK_S = 1.0
LEASE = timedelta(seconds=30)
RENEW = timedelta(seconds=10)
HEAR_S = 20.0
TRY_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
AWAY_AFTER = 2  # tries that fail one after the other
log = logs.get("raglan.chat")


def hold(workspace: Workspace) -> bool:
    """Take or keep the lease on a workspace; tell whether this node has it. A fresh one costs no transaction."""
    at = now()
    if workspace.held_by == NODE and workspace.held_until and workspace.held_until - at > LEASE - RENEW:
        return True
    return _take(workspace, at)


@atomic
def _take(workspace: Workspace, at: datetime) -> bool:
    free = Q(held_by="") | Q(held_by=NODE) | Q(held_until__lte=at)
    if connection.vendor == "sqlite":  # one process serves it, so that whoever holds it else is gone
        free = Q()
    found = Workspace.objects.filter(free, pk=workspace.pk, ended_at__isnull=True)
    return found.update(held_by=NODE, held_until=at + LEASE) == 1


@atomic
def let_go(pk: int) -> None:
    """Give a lease back."""
    Workspace.objects.filter(pk=pk, held_by=NODE).update(held_by="", held_until=None)


class Trouble:
    """How sending and hearing do; what fails twice in a row is away, and back when both do again."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._failed: dict[str, int] = {}
        self._since: dict[str, datetime] = {}
        self._is_away = workspace.away_since is not None

    def since(self, way: str) -> datetime | None:
        """Return when the first of the failures in a row came; None where the last try went well."""
        return self._since.get(way)

    def failed(self, way: str, why: str) -> float:
        """Note a failure; return in how many seconds to try again."""
        self._failed[way] = self._failed.get(way, 0) + 1
        self._since.setdefault(way, now())
        if self._failed[way] >= AWAY_AFTER and not self._is_away:
            self._is_away = True
            log.warning("chat is away", extra={"workspace": self._workspace.name, "why": why})
            actions.note_away(self._workspace, why)
        return TRY_AGAIN_S[min(self._failed[way], len(TRY_AGAIN_S)) - 1]

    def went_well(self, way: str) -> None:
        """Note that something went well."""
        self._failed.pop(way, None)
        self._since.pop(way, None)
        if self._is_away and not self._failed:
            self._is_away = False
            log.info("chat is back", extra={"workspace": self._workspace.name})
            actions.note_back(self._workspace)


class Line:
    """A line to one workspace. What it raises is told, and tried again."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.version = workspace.version
        self._trouble = Trouble(workspace)
        self._connection: ports.Connection = actions.line_to(workspace)
        self._sending = engine.Loop(f"raglan-chat-send-{workspace.pk}", self._send)
        hears = self._connection.hears
        self._hearing = engine.Loop(f"raglan-chat-hear-{workspace.pk}", self._hear) if hears else None
        self._loops = [loop for loop in (self._sending, self._hearing) if loop is not None]
        self._is_named = False
        self._deaf_since: datetime | None = now()  # since then something may have been said that did not come in
        self._patience = sending.Patience()
        self._is_settled = False  # the last round went to its end: the room for commands is there, or can not be
        self._unsubscribe: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Begin to send and to hear."""
        self._unsubscribe = outbox.on_wake(self._sending.wake)
        for loop in self._loops:
            loop.start()

    def stop(self, deadline: float) -> None:
        """End. What waits for the platform may stay a little longer; it takes nothing in any more."""
        self._unsubscribe()
        for loop in self._loops:
            loop.stop()
        self._connection.close()
        self._sending.join(deadline)
        if self._hearing is not None:
            self._hearing.join(min(deadline, time.monotonic() + 1.0))

    def _send(self) -> float:
        if self._is_settled and queries.is_idle(self.workspace):
            return LOOK_S
        self._is_settled = False
        try:
            if self._hearing is None:
                self._know_us()
                self._catch_up()
            done = sending.send_waiting(self.workspace, self._connection, self._patience)
        except ports.Wait as wait:
            return min(60.0, wait.seconds)
        except DeliveryError as error:
            return self._trouble.failed("send", error.sentence)
        if self._hearing is None:  # who could not be reached could not call us either, perhaps
            self._deaf_since = self._trouble.since("send")
        self._is_settled = self._hearing is not None or self._deaf_since is None
        if done.went or done.entered or self._hearing is None:
            self._trouble.went_well("send")
        return 0.0 if done.went >= sending.AT_ONCE else LOOK_S

    def _know_us(self) -> None:
        """Ask once who we are there: what we say ourselves is not heard, and what calls us is told apart by it."""
        if not self._is_named:
            actions.note_identity(self.workspace, self._connection)
            self._is_named = True

    def _catch_up(self) -> None:
        """Ask once what was said while nothing could come in, where it can be asked."""
        if self._deaf_since is not None and isinstance(self._connection, ports.CatchesUp):
            catching_up.catch_up(self.workspace, self._connection, self._deaf_since)
        self._deaf_since = None

    def _hear(self) -> float:
        try:
            self._know_us()
            # What was missed is asked for once news comes in again, so that nothing falls between, and is taken first.
            heard = self._connection.hear(self.workspace.cursor, 0.0 if self._deaf_since else HEAR_S)
            self._catch_up()
        except ports.Wait as wait:
            return min(60.0, wait.seconds)
        except DeliveryError as error:
            self._deaf_since = self._deaf_since or now()
            return self._trouble.failed("hear", error.sentence)
        if self._sending.is_stopping:
            return LOOK_S
        self._trouble.went_well("hear")
        hearing.hear(self.workspace, heard)
        self._sending.wake()
        return 0.0


class Lines:
    """Keeps a line to each workspace that this node holds."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}
        self._loop = engine.Loop("raglan-chat", self._look)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self, deadline: float) -> None:
        """End all lines and give the leases back."""
        self._loop.stop()
        self._loop.join(deadline)
        for pk in list(self._lines):
            self._end(pk, deadline)

    def _look(self) -> float:
        wanted = {one.pk: one for one in queries.workspaces()}
        for pk, line in list(self._lines.items()):
            if pk not in wanted or wanted[pk].version != line.version:
                self._end(pk, time.monotonic() + 5.0)
        for pk, workspace in wanted.items():
            held = hold(workspace)
            if held and pk not in self._lines:
                self._begin(workspace)
            elif not held and pk in self._lines:
                self._end(pk, time.monotonic() + 5.0)
        _measure(list(wanted.values()))
        return LOOK_S if self._lines else 2 * LOOK_S

    def _begin(self, workspace: Workspace) -> None:
        try:
            line = Line(workspace)
        except RaglanError as error:
            actions.note_away(workspace, error.sentence)
            return
        self._lines[workspace.pk] = line
        line.start()

    def _end(self, pk: int, deadline: float) -> None:
        self._lines.pop(pk).stop(deadline)
        let_go(pk)


def _measure(connected: Sequence[Workspace]) -> None:
    metrics.chat_waiting.set(queries.waiting_in_all() if connected else 0)
    since = min((one.away_since for one in connected if one.away_since), default=None)
    metrics.chat_away.set((now() - since).total_seconds() if since else 0)


engine.beside(Lines)
