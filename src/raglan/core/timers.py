"""Durable timers: work that is due at a time, written in the transaction that decides on it.

A worker claims a timer with a lease. Ordinary handlers run in one transaction with the deletion of their timer, so
that their effect happens once. A handler registered with `network=True` makes its own short transactions around a
call to the outside; its timer goes away only when it returns, and when the process dies on the way the lease ends and
the work is done again.
"""

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from raglan.config import config
from raglan.core.clock import now
from raglan.core.db import atomic, bulk, fault_point
from raglan.core.models import Timer

NODE = f"{socket.gethostname()}:{os.getpid()}"
MAX_ATTEMPTS = 3
RETRY_AFTER = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=15))


@dataclass(frozen=True, slots=True)
class Due:
    """One timer as its handler sees it.

    `attempt` counts from 1; more than 1 means that an earlier try may have had effect.
    """

    id: int
    kind: str
    subject: str
    due_at: datetime
    attempt: int
    payload: dict[str, object]

    @property
    def subject_id(self) -> int:
        """The number in `kind:number`."""
        return int(self.subject.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Plan:
    """A timer that is to be written."""

    kind: str
    subject: str
    due_at: datetime
    payload: dict[str, object] = field(default_factory=dict)
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Handler:
    """What to do when a kind of timer is due."""

    function: Callable[[Due], None]
    network: bool
    on_parked: Callable[[Due, str], None] | None


HANDLERS: dict[str, Handler] = {}
_wakers: list[Callable[[], None]] = []


def handler(
    kind: str, *, network: bool = False, on_parked: Callable[[Due, str], None] | None = None
) -> Callable[[Callable[[Due], None]], Callable[[Due], None]]:
    """Register the handler of a kind. `on_parked(due, error)` runs when it raised too often and was set aside."""

    def register(function: Callable[[Due], None]) -> Callable[[Due], None]:
        HANDLERS[kind] = Handler(function, network, on_parked)
        return function

    return register


def on_wake(waker: Callable[[], None]) -> Callable[[], None]:
    """Call `waker()` when a timer was written that may be due at once; return a function that ends it."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker) if waker in _wakers else None


def schedule(
    kind: str, *, subject: str, due_at: datetime, payload: dict[str, object] | None = None, lane: str = ""
) -> Timer:
    """Write a timer in the current transaction."""
    return schedule_many([Plan(kind, subject, due_at, payload or {}, lane)])[0]


@atomic(savepoint=False)
def schedule_many(plans: Sequence[Plan]) -> list[Timer]:
    """Write several timers with few statements."""
    if not plans:
        return []
    made = [
        bulk.fresh(
            Timer,
            id=key,
            kind=plan.kind,
            subject=plan.subject,
            due_at=plan.due_at,
            payload=plan.payload,
            lane=plan.lane,
        )
        for key, plan in zip(bulk.take_keys(Timer, len(plans)), plans, strict=True)
    ]
    bulk.insert(made)
    transaction.on_commit(wake)
    return made


def wake() -> None:
    """Tell the engine of this process to look now."""
    for waker in list(_wakers):
        waker()


@atomic
def cancel(*kinds: str, subject: str) -> int:
    """Delete the live timers of these kinds about a subject; return how many. Those set aside stay to be seen.

    One that a worker holds at this moment is left to its handler, which looks for itself whether it is still wanted:
    waiting for it here, with the subject's row locked, would be a deadlock.
    """
    live = Timer.objects.filter(subject=subject, kind__in=kinds, parked_at__isnull=True)
    if connection.features.has_select_for_update_skip_locked:
        free = live.select_for_update(skip_locked=True).values_list("pk", flat=True)
        live = Timer.objects.filter(pk__in=list(free))
    return live.delete()[0]


def claim(limit: int, *, kinds: Sequence[str] | None = None) -> list[Due]:
    """Lease due timers to this node, oldest first. A timer waits for earlier ones in its lane."""
    at = now()
    with atomic():
        waiting = _claimable(at, kinds)
        if connection.features.has_select_for_update_skip_locked:
            waiting = waiting.select_for_update(skip_locked=True, of=("self",))
        rows = list(waiting[:limit])
        Timer.objects.filter(pk__in=[row.pk for row in rows]).update(
            leased_until=at + timedelta(seconds=config().lease_s), leased_by=NODE, attempts=F("attempts") + 1
        )
    fault_point("timers.claimed")
    return [Due(row.pk, row.kind, row.subject, row.due_at, row.attempts + 1, row.payload) for row in rows]


def _claimable(at: datetime, kinds: Sequence[str] | None) -> QuerySet[Timer]:
    earlier = Timer.objects.filter(lane=OuterRef("lane"), pk__lt=OuterRef("pk"), parked_at__isnull=True)
    return (
        Timer.objects.filter(due_at__lte=at, parked_at__isnull=True, kind__in=kinds or list(HANDLERS))
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=at))
        .filter(Q(lane="") | ~Exists(earlier))
        .order_by("due_at", "pk")
    )


def any_due(kinds: Sequence[str]) -> bool:
    """Tell whether something of these kinds could be claimed, without taking the write lock."""
    return _claimable(now(), kinds).exists()


def fire(due: Due) -> None:
    """Do the work of one claimed timer; the timer is deleted with it."""
    entry = HANDLERS[due.kind]
    if entry.network:
        entry.function(due)
        fault_point("timers.network_done")
        with atomic():
            Timer.objects.filter(pk=due.id).delete()
        return
    with atomic():
        if not Timer.objects.filter(pk=due.id).delete()[0]:
            return  # cancelled, or done by a node that outlived its lease
        entry.function(due)


def failed(due: Due, error: str) -> bool:
    """Record that a handler raised: try again soon, or set the timer aside. Return whether it was set aside."""
    entry = HANDLERS[due.kind]
    parked = due.attempt >= MAX_ATTEMPTS
    with atomic():
        found = Timer.objects.filter(pk=due.id).update(
            leased_until=None if parked else now() + RETRY_AFTER[min(due.attempt, len(RETRY_AFTER)) - 1],
            parked_at=now() if parked else None,
            last_error=error[:2000],
        )
        if parked and found and entry.on_parked:
            entry.on_parked(due, error)
    return parked


def release(node: str | None = None) -> int:
    """End the leases of a node, or of all nodes: for a start on a database that only this process serves."""
    leased = Timer.objects.filter(leased_until__isnull=False)
    return (leased.filter(leased_by=node) if node else leased).update(leased_until=None, leased_by="")


def next_due() -> datetime | None:
    """Return when the next unleased timer is due."""
    waiting = Timer.objects.filter(parked_at__isnull=True, kind__in=list(HANDLERS), leased_until__isnull=True)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def lateness() -> float:
    """Return by how many seconds the oldest due timer is late; 0 when none is. A leased one is being worked on."""
    at = now()
    oldest = (
        Timer.objects.filter(due_at__lt=at, parked_at__isnull=True, kind__in=list(HANDLERS))
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=at))
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    return max(0.0, (at - oldest).total_seconds()) if oldest else 0.0


def fire_due(limit: int = 1000) -> int:
    """Fire all that is due, in order, in this thread: for tests and one-shot commands. Return how many fired."""
    fired = 0
    while fired < limit and (batch := claim(1)):
        fire(batch[0])
        fired += 1
    return fired
