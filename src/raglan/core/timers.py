"""Durable timers: work that is due at a time, written in the transaction that decides on it.

A worker claims a timer with a lease. Ordinary handlers run in one transaction with the deletion of their timer, so
that their effect happens once. A handler registered with `network=True` makes its own short transactions around a
call to the outside; its timer goes away only when it returns, and when the process dies on the way the lease ends and
the work is done again. A light handler gets many timers at a time: taking them, the work and their deletion are one
transaction, which needs no lease; what fails that way is done again one by one, with a lease.
"""

import json
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from raglan.config import config
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.db import atomic, bulk, fault_point
from raglan.core.db.together import Together
from raglan.core.models import Timer

NODE = f"{socket.gethostname()}:{os.getpid()}"
MAX_ATTEMPTS = 3
RETRY_AFTER = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=15))
AT = object()  # stands where the moment belongs in a statement that is kept
LIGHT_BATCH = 2_000
LOOKS_WITHIN = timedelta(seconds=1)  # the longest that an engine sleeps
Pool = Timer.Pool
log = logs.get("raglan.timers")


class Due(NamedTuple):
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


Take = Callable[[Sequence[Due]], Sequence[Due]]


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
    """What to do when a kind of timer is due. What goes first finds threads that no other call outside ever gets."""

    function: Callable[[Due], None]
    network: bool
    on_parked: Callable[[Due, str], None] | None
    many: Callable[[Sequence[Due]], None] | None = None
    first: bool = False
    together: Callable[[Sequence[Due], Take], None] | None = None
    several: Callable[[Sequence[Due]], Sequence[Due]] | None = None

    @property
    def pool(self) -> Timer.Pool:
        """Who fires it."""
        if self.many is not None:
            return Pool.LIGHT
        return Pool.NETWORK if self.network else Pool.WORK


class Taker(Protocol):
    """An engine of this process, which begins at once with timers that are claimed where they are written."""

    @property
    def is_working(self) -> bool:
        """Whether it fires timers at present; one that is held does not."""

    @property
    def room(self) -> int:
        """How many calls outside that go first it would begin now."""

    def take(self, dues: Sequence[Due]) -> None:
        """Begin with timers of one kind that this node has claimed."""


HANDLERS: dict[str, Handler] = {}
_wakers: list[Callable[[], None]] = []
_unbegun: list[Callable[[], object]] = []
_takers: list[Taker] = []


def handler(
    kind: str,
    *,
    network: bool = False,
    first: bool = False,
    together: Callable[[Sequence[Due], Take], None] | None = None,
    several: Callable[[Sequence[Due]], Sequence[Due]] | None = None,
    on_parked: Callable[[Due, str], None] | None = None,
) -> Callable[[Callable[[Due], None]], Callable[[Due], None]]:
    """Register the handler of a kind. `on_parked(due, error)` runs when it raised too often and was set aside.

    `first` is for pages: other calls outside never take all threads, however long they wait. `together(many, take)`
    does the work of those among many that are alike, in one transaction: it asks `take(some)` for their timers and
    does what it gets back. The others are fired one by one, and so are all when it raises. `several(many)` is for calls
    outside: one thread does some of those that are due, ends and counts their timers itself, and returns those to be
    fired alone.
    """

    def register(function: Callable[[Due], None]) -> Callable[[Due], None]:
        HANDLERS[kind] = Handler(function, network, on_parked, first=first, together=together, several=several)
        return function

    return register


def light_handler(
    kind: str, *, on_parked: Callable[[Due, str], None] | None = None
) -> Callable[[Callable[[Sequence[Due]], None]], Callable[[Sequence[Due]], None]]:
    """Register a handler that does the work of many timers with a few statements, in the transaction that ends them."""

    def register(function: Callable[[Sequence[Due]], None]) -> Callable[[Sequence[Due]], None]:
        HANDLERS[kind] = Handler(lambda due: function([due]), network=False, on_parked=on_parked, many=function)
        return function

    return register


def goes_on(after: timedelta) -> Callable[[Due, str], None]:
    """Return an `on_parked` for work that must not stop: it is due anew; what was set aside last stays."""

    def plan_again(due: Due, error: str) -> None:
        aside = Timer.objects.filter(kind=due.kind, subject=due.subject, parked_at__isnull=False)
        aside.exclude(pk=due.id).delete()
        schedule(due.kind, subject=due.subject, due_at=now() + after, payload=due.payload)

    return plan_again


def on_wake(waker: Callable[[], None]) -> Callable[[], None]:
    """Call `waker()` when a timer was written that may be due at once; return a function that ends it."""
    _wakers.append(waker)
    return lambda: _wakers.remove(waker) if waker in _wakers else None


def on_claimed(taker: Taker) -> Callable[[], None]:
    """Let an engine have what is claimed where it is written; return a function that ends it."""
    _takers.append(taker)
    return lambda: _takers.remove(taker) if taker in _takers else None


def taker() -> Taker | None:
    """Return the engine of this process, if one runs and fires timers at present."""
    return next((taker for taker in _takers if taker.is_working), None)


def schedule(
    kind: str, *, subject: str, due_at: datetime, payload: dict[str, object] | None = None, lane: str = ""
) -> Timer:
    """Write a timer in the current transaction."""
    return schedule_many([Plan(kind, subject, due_at, payload or {}, lane)])[0]


def schedule_many(plans: Sequence[Plan]) -> list[Timer]:
    """Write several timers with few statements. An engine is woken for what is due before it looks by itself."""
    return _schedule_many(plans) if plans else []


@atomic(savepoint=False)
def _schedule_many(plans: Sequence[Plan]) -> list[Timer]:
    made = _written(plans)
    soon = now() + LOOKS_WITHIN
    if any(plan.due_at <= soon for plan in plans):
        transaction.on_commit(wake)
    return made


@atomic(savepoint=False)
def schedule_claimed(plans: Sequence[Plan], taker: Taker, *, keep: Callable[[Sequence[Due]], None]) -> None:
    """Write timers of one kind that this node has claimed already; an engine of its begins with them after the commit.

    That needs no look and no claim of its own. When the process dies before they are done, their leases end, and they
    come again as a second attempt. For no more than it has `room`, and calls outside that go first only. `keep` gets
    the claims just before the engine does.
    """
    if not plans:
        return
    until = now() + timedelta(seconds=config().lease_s)
    made = _written(plans, leased_until=until, leased_by=NODE, attempts=1)
    dues = [Due(timer.pk, timer.kind, timer.subject, timer.due_at, 1, timer.payload) for timer in made]

    def begin() -> None:
        keep(dues)
        taker.take(dues)

    transaction.on_commit(begin)


def _written(plans: Sequence[Plan], **claimed: object) -> list[Timer]:
    made = [
        bulk.fresh(
            Timer,
            id=key,
            kind=plan.kind,
            subject=plan.subject,
            due_at=plan.due_at,
            payload=plan.payload,
            lane=plan.lane,
            pool=int(_pool_of(plan)),
            **claimed,
        )
        for key, plan in zip(bulk.take_keys(Timer, len(plans)), plans, strict=True)
    ]
    bulk.insert(made)
    return made


def _pool_of(plan: Plan) -> Timer.Pool:
    """A light timer in a lane waits for its turn like any other."""
    pool = HANDLERS[plan.kind].pool if plan.kind in HANDLERS else Pool.WORK
    return Pool.WORK if plan.lane and pool == Pool.LIGHT else pool


def wake() -> None:
    """Tell the engine of this process to look now."""
    for waker in list(_wakers):
        waker()


def is_planned(kind: str, *, subject: str, by: datetime | None = None) -> bool:
    """Tell whether a timer of this kind about a subject waits, due by a time where one is given; not one at work."""
    waiting = Timer.objects.filter(kind=kind, subject=subject, parked_at__isnull=True, leased_until__isnull=True)
    return (waiting.filter(due_at__lte=by) if by else waiting).exists()


def cancel(*kinds: str, subject: str) -> int:
    """Delete the live timers of these kinds about a subject; return how many. Those set aside stay to be seen."""
    return cancel_all(kinds, [subject])


@atomic(savepoint=False)
def cancel_all(kinds: Sequence[str], subjects: Sequence[str]) -> int:
    """Delete the live timers of these kinds about some subjects; return how many.

    One that a worker holds at this moment is left to its handler, which looks for itself whether it is still wanted:
    waiting for it here, with the subject's row locked, would be a deadlock.
    """
    if not (kinds and subjects):
        return 0
    live = f"parked_at IS NULL AND kind IN ({_marks(kinds)}) AND subject IN ({_marks(subjects)})"
    if connection.features.has_select_for_update_skip_locked:
        live = f"id IN (SELECT id FROM core_timer WHERE {live} FOR UPDATE SKIP LOCKED)"  # noqa: S608 -- marks only
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM core_timer WHERE {live}", [*kinds, *subjects])  # noqa: S608
        return int(cursor.rowcount)


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def claim(
    limit: int,
    *,
    pool: Timer.Pool | None = None,
    first: bool | None = None,
    together: bool | None = None,
    several: bool | None = None,
) -> list[Due]:
    """Lease due timers to this node, oldest first. A timer waits for earlier ones in its lane.

    `first` asks for only those that go before all other calls outside, or only for the others; `together` for those
    whose work can be done for many at once, `several` for those of which one thread may be given some, or only for the
    others.
    """
    moment = now()
    at, until = _moments(moment, moment + timedelta(seconds=config().lease_s))
    with atomic(), connection.cursor() as cursor:
        sql, parameters = _claiming(connection.vendor, limit, pool, tuple(kinds(first, together, several)))
        cursor.execute(sql, [*(at if value is AT else value for value in parameters), until, NODE])
        claimed = _read(cursor.fetchall())
    fault_point("timers.claimed")
    return claimed


@lru_cache(maxsize=256)
def _claiming(vendor: str, limit: int, pool: Timer.Pool | None, kinds: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the statement of a claim and its parameters, `AT` where the moment belongs: made once, asked each tick."""
    stand_in = datetime(2000, 1, 1, tzinfo=UTC)
    (written,) = _moments(stand_in)
    found, parameters = _first(_claimable(stand_in, pool, kinds), limit)
    sql = (
        f"{found} UPDATE core_timer SET leased_until = %s, leased_by = %s, attempts = attempts + 1"  # noqa: S608
        f" WHERE id IN (SELECT id FROM found) RETURNING {_columns('attempts')}"
    )
    return sql, tuple(AT if value in (written, stand_in) else value for value in parameters)


def kinds(first: bool | None = None, together: bool | None = None, several: bool | None = None) -> list[str]:
    """Return the kinds that this version fires: all, or only those of which something holds, or only the others."""
    return [
        kind
        for kind, entry in HANDLERS.items()
        if first in (None, entry.first)
        and together in (None, entry.together is not None)
        and several in (None, entry.several is not None)
    ]


def _claimable(at: datetime, pool: Timer.Pool | None, kinds: Sequence[str]) -> QuerySet[Timer]:
    in_lane = Timer.objects.exclude(lane="")  # as the index on lanes has it
    earlier = in_lane.filter(lane=OuterRef("lane"), pk__lt=OuterRef("pk"), parked_at__isnull=True)
    due = Timer.objects.filter(due_at__lte=at, parked_at__isnull=True, kind__in=kinds)
    return (
        (due if pool is None else due.filter(pool=pool))
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=at))
        .filter(Q(lane="") | ~Exists(earlier))
    )


def _first(waiting: QuerySet[Timer], limit: int) -> tuple[str, tuple[Any, ...]]:
    """Return SQL that names the ids of the oldest as `found`, and its parameters; PostgreSQL locks them."""
    chosen = waiting.order_by("due_at", "pk").values_list("pk")
    if connection.features.has_select_for_update_skip_locked:
        chosen = chosen.select_for_update(skip_locked=True, of=("self",))
    sql, parameters = chosen[:limit].query.sql_with_params()
    return f"WITH found (id) AS MATERIALIZED ({sql})", tuple(parameters)


def _moments(*moments: datetime) -> list[Any]:
    return [connection.ops.adapt_datetimefield_value(moment) for moment in moments]


def _columns(attempt: str) -> str:
    """What claims are made of. As text a moment of SQLite is read once for many timers, and not by Django for each."""
    due_at = "due_at" if connection.vendor == "postgresql" else "due_at || ''"
    return f"id, kind, subject, {due_at}, payload, {attempt}"


def _read(rows: Iterable[tuple[int, str, str, datetime | str, str, int]]) -> list[Due]:
    """Make claims of rows, oldest first: databases return them in any order."""
    moments: dict[datetime | str, datetime] = {}
    read = []
    for pk, kind, subject, due_at, payload, attempt in rows:
        moment = moments.get(due_at) or moments.setdefault(due_at, _moment(due_at))
        read.append(Due(pk, kind, subject, moment, attempt, {} if payload == "{}" else json.loads(payload)))
    read.sort(key=attrgetter("due_at", "id"))
    return read


def _moment(value: datetime | str) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def fire_light(limit: int = LIGHT_BATCH) -> int:
    """Do the work of due light timers, up to so many, in one transaction with their end; return how many.

    A crash gives all of them back. When a handler raises, they are done one by one from then on.
    """
    taken: list[Due] = []
    try:
        with atomic():
            taken = _take(limit)
            fault_point("timers.taken")
            for kind, group in by_kind(taken).items():
                if (many := HANDLERS[kind].many) is not None:
                    many(group)
    except (OperationalError, InterfaceError):
        raise  # the database, not the work; all of it is still there
    except Exception:  # which of them was it? Leases, retries and parking find out
        log.exception("light timers failed together; each is done alone", extra={"timers": len(taken)})
        Timer.objects.filter(pk__in=[due.id for due in taken]).update(pool=Pool.WORK)
        wake()
    return len(taken)


def by_kind(taken: Sequence[Due]) -> dict[str, list[Due]]:
    """Return timers by their kind, in order."""
    found: dict[str, list[Due]] = {}
    for due in taken:
        found.setdefault(due.kind, []).append(due)
    return found


def _take(limit: int) -> list[Due]:
    light = [kind for kind, entry in HANDLERS.items() if entry.many is not None]
    if not light:
        return []
    waiting = Timer.objects.filter(
        pool=Pool.LIGHT, due_at__lte=now(), parked_at__isnull=True, leased_until__isnull=True, kind__in=light
    )
    found, parameters = _first(waiting, limit)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{found} DELETE FROM core_timer WHERE id IN (SELECT id FROM found) RETURNING {_columns('1')}",  # noqa: S608
            parameters,
        )
        return _read(cursor.fetchall())


def sort_into_pools() -> int:
    """Give timers of other versions to the pool that fires their kind today; return how many were moved."""
    moved = 0
    for pool in Pool:
        kinds = [kind for kind, entry in HANDLERS.items() if entry.pool == pool]
        strays = Timer.objects.filter(kind__in=kinds, attempts=0, leased_until__isnull=True).exclude(pool=pool)
        moved += (strays.filter(lane="") if pool == Pool.LIGHT else strays).update(pool=pool)
    return moved


def fire(due: Due) -> None:
    """Do the work of one claimed timer; the timer is deleted with it."""
    entry = HANDLERS[due.kind]
    if entry.network:
        entry.function(due)
        fault_point("timers.network_done")
        _end(due.id)
        return
    with atomic():
        if not Timer.objects.filter(pk=due.id).delete()[0]:
            return  # cancelled, or done by a node that outlived its lease
        entry.function(due)


def fire_together(many: Sequence[Due]) -> list[Due]:
    """Do the work of claimed timers of one kind, as far as they are alike; return those that are to be fired alone."""
    together, asked = HANDLERS[many[0].kind].together, set[int]()
    if together is None:
        return _fire_several(many)

    def take(some: Sequence[Due]) -> list[Due]:
        asked.update(due.id for due in some)
        gone = _taken([due.id for due in some])
        return [due for due in some if due.id in gone]  # the others were cancelled, or done by another node

    try:
        with atomic():
            together(many, take)
    except Exception:  # which of them was it? Alone, each has its own transaction
        log.exception("timers failed together; each is done alone", extra={"timers": len(many)})
        return list(many)
    return [due for due in many if due.id not in asked]


def _fire_several(many: Sequence[Due]) -> list[Due]:
    several = HANDLERS[many[0].kind].several
    if several is None:
        return list(many)
    try:
        return list(several(many))
    except Exception:  # which of them was it? Alone, each is tried again and set aside by itself
        log.exception("calls outside failed together; each is done alone", extra={"timers": len(many)})
        return list(many)


def end(ids: Sequence[int]) -> None:
    """Delete timers whose work was done outside, in the transaction that records it."""
    _taken(ids)


def give_back(ids: Sequence[int]) -> set[int]:
    """End the leases of timers with which nothing was begun, so that any thread takes them.

    Return which those are: one whose lease was over may be another node's by now, and is left alone.
    """
    if not ids:
        return set()
    changed = "leased_until = NULL, leased_by = '', attempts = attempts - 1"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE core_timer SET {changed} WHERE leased_by = %s AND id IN ({_marks(ids)}) RETURNING id",  # noqa: S608
            [NODE, *ids],
        )
        given = {int(row[0]) for row in cursor.fetchall()}
    transaction.on_commit(wake)
    return given


def _taken(ids: Sequence[int]) -> set[int]:
    """Delete timers; return those that were still there."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM core_timer WHERE id IN ({_marks(ids)}) RETURNING id", list(ids))  # noqa: S608
        return {int(row[0]) for row in cursor.fetchall()}


def _delete(ids: Sequence[int]) -> list[None]:
    end(ids)
    return [None] * len(ids)


_end = Together(_delete)


def failed(due: Due, error: str) -> bool:
    """Record that a handler raised: try again soon, or set the timer aside. Return whether it was set aside."""
    entry = HANDLERS[due.kind]
    parked = due.attempt >= MAX_ATTEMPTS
    with atomic():
        found = Timer.objects.filter(pk=due.id).update(
            leased_until=None if parked else now() + RETRY_AFTER[min(due.attempt, len(RETRY_AFTER)) - 1],
            parked_at=now() if parked else None,
            last_error=error[:2000],
            pool=Pool.NETWORK if entry.network else Pool.WORK,
        )
        if parked and found and entry.on_parked:
            entry.on_parked(due, error)
    return parked


def release(node: str | None = None) -> int:
    """End the leases of a node, or of all nodes: for a start on a database that only this process serves."""
    leased = Timer.objects.filter(leased_until__isnull=False)
    return (leased.filter(leased_by=node) if node else leased).update(leased_until=None, leased_by="")


def gives_back(unbegun: Callable[[], object]) -> None:
    """Call `unbegun()` when the engine of this process has ended in order: it gives back what was never begun."""
    _unbegun.append(unbegun)


def let_go() -> int:
    """End the leases of this node, whose engine has ended in order; return how many.

    What it claimed where it was written and never began is given back first, as if it had not been claimed.
    """
    for give in _unbegun:
        try:
            give()
        except (OperationalError, InterfaceError):
            raise  # the database; all leases end by themselves
        except Exception:  # then it comes again as what may have been begun
            log.exception("what was never begun could not be given back")
    return release(NODE)


def heads(
    *pools: Timer.Pool, first: bool | None = None, together: bool | None = None, several: bool | None = None
) -> dict[Timer.Pool, datetime]:
    """Return when the oldest timer of each pool, that nobody works on, is or was due; one look at the index each."""
    wanted, found = tuple(kinds(first, together, several)), {}
    (at,) = _moments(now())
    with connection.cursor() as cursor:
        for pool in pools or Pool:
            sql, parameters = _head(connection.vendor, pool, wanted)
            cursor.execute(sql, [at if value is AT else value for value in parameters])
            if row := cursor.fetchone():
                found[pool] = _moment(row[0])
    return found


@lru_cache(maxsize=256)
def _head(vendor: str, pool: Timer.Pool, kinds: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that finds the oldest of a pool and its parameters; made once, like that of a claim."""
    stand_in = datetime(2000, 1, 1, tzinfo=UTC)
    (written,) = _moments(stand_in)
    waiting = Timer.objects.filter(pool=pool, parked_at__isnull=True, kind__in=kinds)
    free = waiting.filter(Q(leased_until__isnull=True) | Q(leased_until__lte=stand_in)).order_by("due_at")
    sql, parameters = free.values_list("pk")[:1].query.sql_with_params()
    moment = "due_at" if vendor == "postgresql" else "due_at || ''"
    whole = f"SELECT {moment} FROM core_timer WHERE id = ({sql})"  # noqa: S608
    return whole, tuple(AT if value in (written, stand_in) else value for value in parameters)


def lateness() -> float:
    """Return by how many seconds the oldest due timer is late; 0 when none is. A leased one is being worked on."""
    oldest = min(heads().values(), default=None)
    return 0.0 if oldest is None else max(0.0, (now() - oldest).total_seconds())


def fire_due(limit: int = 1000) -> int:
    """Fire all that is due, in order, in this thread: for tests and one-shot commands. Return how many fired."""
    fired = 0
    while fired < limit and (batch := claim(1)):
        for due in fire_together(batch):
            fire(due)
        fired += 1
    return fired
