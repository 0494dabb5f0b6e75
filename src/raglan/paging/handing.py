"""Handing over several messages that one thread was given: claimed together, sent in one go, recorded together.

A message that goes out alone takes three transactions, and in a storm those cost more than sending it. Here some share
two: one that claims them, and one that records those that were taken and ends their timers. Only what is plain goes
this way: a first try, by a provider that works, has no budget and tells nothing more later. All else is left to
`delivery`, which does one message at a time; so is what meets anything unusual on its way.

What that may cost: when the process dies in between, all of a go that were not recorded go out again, each marked as a
possible repeat: up to 16, or 128 that met at a desk. After half a second those that were taken are recorded, and those
that were not begun wait again as if they had not been claimed, also while the thread hangs in one of them: a provider
that answers slowly holds up no other. What fails on the way takes nothing with it that was taken before.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, connections
from django.db.models import F

from raglan.core import logs, metrics, timers
from raglan.core.cutoff import Later
from raglan.core.db import atomic, fault_point
from raglan.paging import actions, claimed, claiming, desk, sending
from raglan.paging.models import Notification
from raglan.paging.sending import Ready, Went

T = TypeVar("T")
LONGEST_S = 0.5
log = logs.get("raglan.paging")
_fired = metrics.timers_fired.labels(actions.DELIVER)


def deliver_several(dues: Sequence[timers.Due]) -> Sequence[timers.Due]:
    """Hand over what is plain among some messages; return the timers of the others, to be fired alone."""
    lane = claimed.lane_of(dues)
    if not lane:
        return _hand_over(dues, nothing)
    with desk.turn(lane, dues) as (taken, end_turn):
        return _hand_over(taken, end_turn) if taken else []


def nothing() -> None:
    """Do nothing."""


def _hand_over(dues: Sequence[timers.Due], sent: Callable[[], None]) -> Sequence[timers.Due]:
    """Hand over what is plain among some messages; `sent` is called when no more of them will be sent."""
    went = Went()
    try:
        _go(dues, went)
    except Exception:  # what became of each until then is recorded all the same
        log.exception("messages failed together; those that are left are done alone", extra={"messages": len(dues)})
        went.back += went.waiting
    sent()
    try:
        _record_surely(went)
    except Exception:  # alone, each goes out again as a possible repeat; but not those that are recorded or given away
        _fired.inc(len(went.recorded))
        log.exception("messages could not be recorded; each is done alone", extra={"messages": len(dues)})
        return [due for due in dues if due.id not in went.late and due.id not in went.recorded]
    _fired.inc(len(set(went.over)))
    fault_point("timers.network_done")
    done = {*went.over, *went.late}
    return [due for due in dues if due.id not in done]


def _record_surely(went: Went) -> None:
    """Record, twice where it is the database that fails: each that is not recorded goes out again."""
    try:
        _record(went)
    except (OperationalError, InterfaceError):
        log.warning("messages could not be recorded at first", exc_info=True, extra={"messages": len(went.sent)})
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # a new one where the database is another one by now
        _record(went)


def _go(dues: Sequence[timers.Due], went: Went) -> None:
    _take_begun(dues, went)
    begun = {*went.over, *went.late, *(item.due.id for item in went.waiting)}
    plain = {due.subject_id: due for due in dues if due.id not in begun and due.attempt == 1 and not due.payload}
    if plain:
        ready, unwanted = _claim(plain)
        went.over += unwanted
        went.waiting.extend(ready)
    known = {*went.over, *went.late, *(item.due.id for item in went.waiting)}
    went.others += [due for due in dues if due.id not in known]
    if went.waiting:
        fault_point("deliver.claimed")
        _send(went)


@atomic
def _claim(plain: dict[int, timers.Due]) -> tuple[list[Ready], list[int]]:
    """Move to *sending* what is plain; return it, and the timers of what is not to go out any more."""
    live = claimed.unchanged(list(plain))
    live |= claiming.wanted_of([pk for pk in plain if pk not in live]) if len(live) < len(plain) else {}
    unwanted = [due.id for pk, due in plain.items() if pk not in live]
    ways = claimed.Ways()
    ready = [item for row in live.values() if (item := _ready(plain[row.pk], row, ways)) is not None]
    claiming.take([(item.notification, claiming.Wanted(item.notification.pk)) for item in ready])
    return ready, unwanted


def _ready(due: timers.Due, row: Notification, ways: claimed.Ways) -> Ready | None:
    """Return a message with its provider, or None when it is to be delivered alone."""
    way = ways.of(row) if row.state == Notification.State.WAITING else None
    return Ready.by(due, row, way) if way is not None else None


def _take_begun(dues: Sequence[timers.Due], went: Went) -> None:
    """Let wait what was claimed where it was written. What has waited since is looked at once more."""
    held = [(due, item) for due in dues if (item := claimed.of(due)) is not None]
    lost = {due.id for due, item in held if item.is_lost}
    went.late |= lost  # another thread or node may have them by now; their leases tell
    ready = [Ready.by(due, item.notification, item.way, item.begun) for due, item in held if due.id not in lost]
    went.waiting.extend(ready)  # before the look: where that fails, they go back as what was never begun
    old = {item.notification.pk: item.notification for _, item in held if not item.is_fresh}
    unwanted = _unwanted(old) if old else set()
    went.over += [item.due.id for item in ready if item.notification.pk in unwanted]
    went.waiting = deque(item for item in ready if item.notification.pk not in unwanted)


@atomic
def _unwanted(sending: dict[int, Notification]) -> set[int]:
    """Return which messages that this node has claimed are not to go out any more."""
    same = claimed.as_written(sending)
    live = claiming.wanted_of([pk for pk in sending if pk not in same])
    return {pk for pk in sending if pk not in same and (pk not in live or live[pk].state != Notification.State.SENDING)}


def _send(went: Went) -> None:
    relieved = relief(LONGEST_S, lambda: _relieve(went)) if len(went.waiting) > 1 or went.others else None
    try:
        sending.send(went, lambda: _give_back(went))
    finally:
        if relieved is not None:
            relieved()


def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
    """Do something after a while on a thread of its own; return what ends that, and waits for it if it has begun."""
    coming = _Relief(time.monotonic() + after_s, do)
    coming.plan()
    return coming.end


class _Relief(Later):
    """Work for a thread of its own, which is started only if its moment comes."""

    def __init__(self, at: float, do: Callable[[], None]) -> None:
        super().__init__(at, do)
        self._thread: threading.Thread | None = None

    def strike(self) -> None:
        """Begin with it."""
        with self._lock:
            if not self.is_over:
                thread = threading.Thread(target=self._run, name="raglan-relief", daemon=True)
                thread.start()
                self._thread = thread  # one that did not start is not waited for

    def _run(self) -> None:
        try:
            self._do()
        finally:
            connections.close_all()  # those of this thread

    def end(self) -> None:
        """Leave it, or wait until it is done."""
        with self._lock:
            self.is_over = True
        if self._thread is not None:
            self._thread.join()


def _relieve(went: Went) -> None:
    """Let other threads have what was not begun, and record what was taken: the one that is left may hang for long."""
    went.is_relieved = True
    _give_back(went)
    if went.sent:
        _record_early(went)


def _give_back(went: Went) -> None:
    """Let other threads have what was not begun, and what is to be fired alone; two threads may do so."""
    late: list[Ready] = []
    while (item := went.next()) is not None:
        late.append(item)
    late += _all_of(went.back)
    ids = [*(item.due.id for item in late), *(due.id for due in _all_of(went.others))]
    if not ids:
        return
    try:
        with atomic():
            given = timers.give_back(ids)
            _unclaim([item.notification.pk for item in late if item.due.id in given])
        went.late.update(ids)
    except Exception:  # then the thread that has them does so when it is free
        log.exception("messages could not be given back", extra={"messages": len(ids)})
        went.kept += late


def _all_of(items: list[T]) -> list[T]:
    """Take all of what another thread may take too."""
    taken: list[T] = []
    with suppress(IndexError):
        while True:
            taken.append(items.pop())
    return taken


def _record_early(went: Went) -> None:
    taken = [went.sent.popleft() for _ in range(len(went.sent))]
    ids = [due_id for due_id, _ in taken]
    try:
        with atomic():
            claiming.note_sent([sent for _, sent in taken])
            timers.end(ids)
        went.recorded.update(ids)
    except Exception:  # then they are recorded with the others
        log.exception("messages could not be recorded early", extra={"messages": len(ids)})
        went.sent.extend(taken)


def _unclaim(ids: Sequence[int]) -> None:
    sending = Notification.objects.filter(pk__in=ids, state=Notification.State.SENDING)
    sending.update(state=Notification.State.WAITING, attempts=F("attempts") - 1)


@atomic
def give_back_unbegun() -> int:
    """Let messages wait again that no thread has begun with when all have ended in order; return how many.

    After the restart they go out once, and unmarked: nobody can have them.
    """
    held = claimed.never_begun()
    given = timers.give_back(list(held))
    _unclaim([item.notification.pk for pk, item in held.items() if pk in given])
    return len(given)


@atomic
def _record(went: Went) -> None:
    """Note what was handed over and end its timers; what was not begun waits again as if it had not been claimed."""
    if went.sent:
        claiming.note_sent([sent for _, sent in went.sent])
    if unbegun := [*went.back, *went.kept]:
        _unclaim([item.notification.pk for item in unbegun])
    if over := [pk for pk in went.over if pk not in went.recorded]:
        timers.end(over)
