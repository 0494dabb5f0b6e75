"""The journal: one writer thread that commits all waiting signals in one transaction, then wakes those who wait.

The queue is bounded by signals. When a group commit raises, each batch is tried alone, so that one bad batch can not
harm the others.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, close_old_connections
from prometheus_client import Counter, Gauge

from raglan.alerts.ports import Batch, Outcome
from raglan.core import logs, metrics
from raglan.core.db import deadline
from raglan.core.errors import Overloaded

GROUP = 1_000
log = logs.get("raglan.journal")
Ingest = Callable[[Sequence[Batch]], list[Outcome]]

waiting_signals = Gauge("raglan_journal_waiting", "Signals that wait for the disk", registry=metrics.REGISTRY)
commits = Counter("raglan_journal_commits", "Group commits", ["outcome"], registry=metrics.REGISTRY)


class NotStored(Exception):
    """A batch that could not be stored. The sender should send it again."""


@dataclass(slots=True)
class _Item:
    batch: Batch
    size: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Outcome]


class Journal:
    """Bounded queue and writer thread. `commit_deadline_s` bounds one commit on PostgreSQL."""

    def __init__(self, ingest: Ingest, *, most: int, commit_deadline_s: float = 3.0) -> None:
        self._ingest = ingest
        self._most = most
        self._commit_deadline_s = commit_deadline_s
        self._items: deque[_Item] = deque()
        self._size = 0
        self._ready = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._write, name="raglan-journal", daemon=True)

    def start(self) -> None:
        """Start the writer."""
        self._thread.start()

    @property
    def fullness(self) -> float:
        """How full the queue is, from 0 to 1."""
        return self._size / self._most

    async def put(self, batch: Batch) -> Outcome:
        """Wait until a batch is on disk and return what became of it. Raises Overloaded, NotStored."""
        size = max(1, len(batch.decoded.signals) + len(batch.decoded.problems))
        loop = asyncio.get_running_loop()
        item = _Item(batch, size, loop, loop.create_future())
        with self._ready:
            if self._stopping or self._size + size > self._most:
                raise Overloaded("Too many signals wait for the disk. Send this again.", retry_after=2)
            self._items.append(item)
            self._size += size
            waiting_signals.set(self._size)
            self._ready.notify()
        return await item.future

    def stop(self, timeout: float = 5.0) -> bool:
        """Take nothing more, write what waits, end. Return whether that was done in time."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _write(self) -> None:
        while group := self._take():
            close_old_connections()
            self._commit(group)
            with self._ready:
                self._size -= sum(item.size for item in group)
                waiting_signals.set(self._size)
        close_old_connections()

    def _take(self) -> list[_Item]:
        """Return all that waits, up to a group; an empty list ends the writer."""
        with self._ready:
            while not self._items and not self._stopping:
                self._ready.wait()
            group: list[_Item] = []
            size = 0
            while self._items and (not group or size + self._items[0].size <= GROUP):
                item = self._items.popleft()
                group.append(item)
                size += item.size
            return group

    def _commit(self, group: list[_Item]) -> None:
        try:
            outcomes = self._ingest_within([item.batch for item in group])
        except Exception as error:  # the writer must outlive any one batch; each is tried alone
            log.warning(
                "a group commit failed; each batch is tried alone", extra={"error": str(error), "batches": len(group)}
            )
            commits.labels("failed").inc()
            for item in group:
                self._commit_alone(item)
            return
        commits.labels("done").inc()
        for item, outcome in zip(group, outcomes, strict=True):
            _resolve(item, outcome)

    def _commit_alone(self, item: _Item) -> None:
        try:
            close_old_connections()
            outcome = self._ingest_within([item.batch])[0]
        except Exception as error:  # see above
            known = isinstance(error, OperationalError | InterfaceError)
            if known:
                log.warning("a batch could not be stored", extra={"error": str(error)})
            else:
                log.exception("a batch could not be stored")
            commits.labels("refused").inc()
            item.loop.call_soon_threadsafe(_fail, item.future, NotStored(str(error)))
            return
        commits.labels("alone").inc()
        _resolve(item, outcome)

    def _ingest_within(self, batches: Sequence[Batch]) -> list[Outcome]:
        with deadline(self._commit_deadline_s):
            return self._ingest(batches)


def _resolve(item: _Item, outcome: Outcome) -> None:
    item.loop.call_soon_threadsafe(_succeed, item.future, outcome)


def _succeed(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def _fail(future: asyncio.Future[Outcome], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
