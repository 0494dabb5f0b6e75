"""The journal: one writer thread that commits all waiting signals in one transaction, then wakes those who wait.

The queue is bounded by signals, with a reserve that no single source can fill. When a group commit raises, each batch
is tried alone, so that one bad batch can not harm the others; a database that is away is not asked for each of them.
"""

import asyncio
import threading
import time
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections, connections
from prometheus_client import Counter, Gauge

from raglan.core import logs, metrics
from raglan.core.db import deadline
from raglan.core.errors import Overloaded, RaglanError

GROUP = 1_000
WITH_RESERVE = 1.25  # a source that fills the queue leaves this much to the others
CROWD, CROWD_S = 8, 0.004  # requests in a commit, and how long the next one waits for them
FAILURES_IN_A_ROW = 2
AWAY = (OperationalError, InterfaceError)
log = logs.get("raglan.journal")

waiting_signals = Gauge("raglan_journal_waiting", "Signals that wait for the disk", registry=metrics.REGISTRY)
waiting_reports = Gauge("raglan_fleet_waiting_kb", "Reports of hosts that wait for the disk", registry=metrics.REGISTRY)
commits = Counter("raglan_journal_commits", "Group commits", ["outcome"], registry=metrics.REGISTRY)


class Sender(Protocol):
    """Whoever a batch is of."""

    @property
    def id(self) -> int:
        """Its key."""

    @property
    def slug(self) -> str:
        """Its short name."""


class Sent(Protocol):
    """What a journal takes: of whom it is, and how much of the queue it fills."""

    @property
    def source(self) -> Sender:
        """Of whom it is."""

    @property
    def size(self) -> int:
        """How much of the queue it fills, at least 1."""


B = TypeVar("B", bound=Sent)
Out = TypeVar("Out")


class Away(Overloaded):
    """The database does not answer; what was to be stored may be put elsewhere meanwhile."""


class NotStored(RaglanError):
    """A batch that raglan could not take in although the database answered: a mistake of ours."""

    code = "not_stored"
    status = 500


@dataclass(slots=True)
class _Item(Generic[B, Out]):
    batch: B
    size: int
    since: float
    loop: asyncio.AbstractEventLoop
    done: Callable[[Out | RaglanError], None]


class Journal(Generic[B, Out]):
    """Bounded queue and writer thread. `commit_deadline_s` bounds one commit on PostgreSQL, `group` its size.

    Each commit has a price of its own. What is not urgent may linger: the writer waits so long for more. Else it waits
    for moments only, and only after a commit for a crowd: who was answered then sends the next soon, and together with
    those that came meanwhile they are one commit instead of two in turn. `begin` is done once by the writer's thread.
    """

    def __init__(
        self,
        ingest: Callable[[Sequence[B]], list[Out]],
        *,
        most: int,
        group: int = GROUP,
        linger_s: float = 0.0,
        commit_deadline_s: float = 3.0,
        name: str = "raglan-journal",
    ) -> None:
        self._ingest = ingest
        self.begin: Callable[[], None] = lambda: None
        self.waiting = waiting_signals  # what tells how much waits
        self._most = most
        self._group = group
        self._linger_s = linger_s
        self._commit_deadline_s = commit_deadline_s
        self._items: deque[_Item[B, Out]] = deque()
        self._size = 0
        self._by_source: Tally[int] = Tally()
        self._oldest: float | None = None
        self._wanted = 1  # requests for which the writer is woken
        self._answered = 0  # by the last commit
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._write, name=name, daemon=True)

    def start(self) -> None:
        """Start the writer."""
        self._thread.start()

    @property
    def fullness(self) -> float:
        """How full the queue is, from 0 to 1."""
        return min(1.0, self._size / self._most)

    @property
    def waited_s(self) -> float:
        """How long the oldest signal has been waiting for the disk."""
        since = self._oldest
        return 0.0 if since is None else max(0.0, time.monotonic() - since)

    @property
    def is_writing(self) -> bool:
        """Whether the writer lives."""
        return self._thread.is_alive()

    async def put(self, batch: B) -> Out:
        """Wait until a batch is on disk and return what became of it. Raises Overloaded, NotStored."""
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()

        def done(result: Out | RaglanError) -> None:
            if future.done():
                return  # its client has left
            if isinstance(result, RaglanError):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.put_then(batch, done)
        return await future

    def put_then(self, batch: B, done: Callable[[Out | RaglanError], None]) -> None:
        """Have a batch stored, and call `done` on this loop with what became of it. Raises Overloaded."""
        size, loop = batch.size, asyncio.get_running_loop()
        item: _Item[B, Out] = _Item(batch, size, time.monotonic(), loop, done)
        with self._changed:
            self._check_place(batch.source.id, size)
            self._items.append(item)
            self._count(item, 1)
            if len(self._items) >= self._wanted or self._size >= self._group:
                self._changed.notify()

    def stop(self, timeout: float = 5.0) -> bool:
        """Take nothing more, write what waits, end. Return whether that was done in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _check_place(self, source_id: int, size: int) -> None:
        if self._stopping:
            raise Overloaded("raglan is shutting down. Send this again.", retry_after=2)
        of_source = self._by_source[source_id] + size
        if of_source > self._most or self._size + size > self._most * WITH_RESERVE:
            raise Overloaded("Too many signals wait for the disk. Send this again.", retry_after=2)

    def _count(self, item: _Item[B, Out], sign: int) -> None:
        self._size += sign * item.size
        self._by_source[item.batch.source.id] += sign * item.size
        self.waiting.set(self._size)

    def _write(self) -> None:
        self.begin()
        while group := self._take():
            results: Sequence[Out | RaglanError]
            try:
                results = self._commit([item.batch for item in group])
            except BaseException:
                tell(group, [Overloaded("raglan could not store this. Send it again.")] * len(group))
                raise  # only what ends a thread on purpose; the watchdog sees that the writer is gone
            with self._changed:
                for item in group:
                    self._count(item, -1)
            tell(group, results)
        connections.close_all()

    def _take(self) -> list[_Item[B, Out]]:
        """Return all that waits, up to a group; an empty list ends the writer."""
        with self._changed:
            self._oldest = None
            came = len(self._items)
            self._wait_for(1)
            if self._linger_s:
                self._wait_for(self._most, self._linger_s)
            elif self._answered >= CROWD:
                self._wait_for(self._answered + came, CROWD_S)
            group: list[_Item[B, Out]] = []
            size = 0
            while self._items and (not group or size + self._items[0].size <= self._group):
                group.append(self._items.popleft())
                size += group[-1].size
            self._oldest = group[0].since if group else None
            self._answered = len(group)
            return group

    def _wait_for(self, wanted: int, seconds: float | None = None) -> None:
        """Wait for so many requests or a whole group, at most for so long."""
        self._wanted = wanted
        self._changed.wait_for(
            lambda: len(self._items) >= wanted or self._size >= self._group or self._stopping, seconds
        )
        self._wanted = 1

    def _commit(self, batches: Sequence[B]) -> Sequence[Out | RaglanError]:
        close_old_connections()
        try:
            outcomes = self._ingest_within(batches)
        except Exception as error:  # the writer must outlive any one batch; each is tried alone
            commits.labels("failed").inc()
            facts = {"error": str(error), "batches": len(batches)}
            log.warning("a group commit failed; each batch is tried alone", extra=facts)
            return self._commit_each(batches)
        commits.labels("done").inc()
        return outcomes

    def _commit_each(self, batches: Sequence[B]) -> list[Out | RaglanError]:
        results: list[Out | RaglanError] = []
        away = 0
        for batch in batches:
            if away >= FAILURES_IN_A_ROW:
                results.append(Away("The database does not answer. Send this again."))
                continue
            result = self._commit_alone(batch)
            away = away + 1 if isinstance(result, Overloaded) else 0
            results.append(result)
        return results

    def _commit_alone(self, batch: B) -> Out | RaglanError:
        close_old_connections()
        try:
            outcome = self._ingest_within([batch])[0]
        except AWAY as error:
            commits.labels("away").inc()
            log.warning("the database did not take a batch", extra={"error": str(error)})
            return Away("The database does not answer. Send this again.")
        except Exception:  # see above
            commits.labels("refused").inc()
            log.exception("a batch could not be stored", extra={"source": batch.source.slug})
            return NotStored("raglan could not store this; its log says why. Nothing of this request was kept.")
        commits.labels("alone").inc()
        return outcome

    def _ingest_within(self, batches: Sequence[B]) -> list[Out]:
        with deadline(self._commit_deadline_s):
            return self._ingest(batches)


def tell(group: Sequence[_Item[B, Out]], results: Sequence[Out | RaglanError]) -> None:
    """Wake everyone who waits for a group, with one call to each loop."""
    pairs = list(zip(group, results, strict=True))
    for loop in {item.loop for item in group}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_wake, [pair for pair in pairs if pair[0].loop is loop])


def _wake(pairs: Sequence[tuple[_Item[B, Out], Out | RaglanError]]) -> None:
    for item, result in pairs:
        try:
            item.done(result)
        except Exception:  # the others of the commit wait for their answers
            log.exception("one who waited could not be told", extra={"source": item.batch.source.slug})
