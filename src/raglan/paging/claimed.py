"""Messages that this process claims where it writes them, because its engine hands them over right after the commit.

The lease begins with the commit, as for one that is claimed by itself: state and timer say that it is being handed over
by this node. When the process dies before it was, the lease ends, and the message goes out as a possible repeat. What
is not plain, or more than the engine has room for, waits for its timer as ever.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from django.db import DatabaseError, InterfaceError, transaction

from raglan.config import config
from raglan.core import logs, timers
from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.core.errors import DeliveryError
from raglan.paging import circuit, ports, providers
from raglan.paging.actions.names import DELIVER
from raglan.paging.models import Notification, Page

log = logs.get("raglan.paging")
GIVES_WAY_S = 0.0015  # so long a commit lets the thread that writes its only message go first, as one of them can run
FRESH_S = 0.25  # so long nobody asks once more whether a message is still wanted
MOST_BEFORE_S = 0.5 + circuit.SLOW.total_seconds()  # from the start of a go until the last of it has its place
MOST_REMEMBERED = 4_000
OF_PAGE = ("id", "state", "title", "text", "severity", "round", "step")
OF_MESSAGE = ("id", "state", "attempts", "may_repeat", "contact_id", "reached_id", "address")


@dataclass(frozen=True, slots=True)
class Way:
    """Who is to take a message, and which lane that is."""

    provider: ports.Provider
    lane: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in *sending* that was claimed where it was written, and when (monotonic seconds).

    Of one that is alone it is told when a thread has `begun` with it.
    """

    notification: Notification
    way: Way
    since: float
    begun: threading.Event | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it was claimed just now."""
        return time.monotonic() - self.since < FRESH_S

    @property
    def is_lost(self) -> bool:
        """Whether its lease may end before a hand-over of this go has: it may begin late, and wait for its place."""
        spare_s = config().lease_s - config().send_deadline_s
        return time.monotonic() - self.since > spare_s - min(MOST_BEFORE_S, spare_s / 2)


_claimed: dict[int, Claimed] = {}
_waiting: dict[int, Notification] = {}
_lock = threading.Lock()


def way_of(message: Notification) -> Way | None:
    """Return who may take a message together with others, or None when it is to be delivered alone."""
    try:
        provider = providers.choose(message.channel, message.address, ())
    except DeliveryError:
        return None
    if provider is None or provider.per_hour() or provider.confirms is not None:
        return None
    lane = circuit.name_of(provider, message.address)
    return None if circuit.rests(lane, message.address) else Way(provider, lane)


class Ways:
    """Who may take some messages, looked up at one moment: in a storm most go to the same few addresses."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Way | None] = {}

    def of(self, message: Notification) -> Way | None:
        """Return what `way_of` does."""
        where = (message.channel, message.address)
        if where not in self._known:
            self._known[where] = way_of(message)
        return self._known[where]


def store(messages: Sequence[Notification]) -> None:
    """Store new messages with their timers; claim those that can go at once."""
    taker = timers.taker()
    room = taker.room if taker is not None else 0
    at, since = now(), time.monotonic()
    ready: list[Claimed] = []
    ways = Ways()
    for message in messages:
        if len(ready) < room and message.due_at <= at and (way := _way_now(message, ways)) is not None:
            message.state, message.attempts = Notification.State.SENDING, 1
            ready.append(Claimed(message, way, since))
    bulk.insert(messages)
    taken = {item.notification.id for item in ready}
    left = [message for message in messages if message.id not in taken]
    timers.schedule_many([_timer(message) for message in left])
    if taker is None:
        return
    if soon := [message for message in left if message.due_at <= at]:
        transaction.on_commit(lambda: _remember(soon))
    if not ready:
        return
    if len(ready) == 1:
        ready[0] = replace(ready[0], begun=threading.Event())
    timers.schedule_claimed(
        [_timer(item.notification) for item in ready],
        taker,
        keep=lambda dues: _claimed.update(zip(map(attrgetter("id"), dues), ready, strict=True)),
    )
    if (begun := ready[0].begun) is not None:
        transaction.on_commit(lambda: begun.wait(GIVES_WAY_S))


def _way_now(message: Notification, ways: Ways) -> Way | None:
    """Return who may take it, or None; no mistake in a channel may take back what this transaction stores."""
    try:
        return ways.of(message)
    except (DatabaseError, InterfaceError):
        raise
    except Exception:
        log.exception(
            "who takes a message could not be told at once; its timer does it", extra={"notification": message.id}
        )
        return None


def _timer(message: Notification) -> timers.Plan:
    return timers.Plan(DELIVER, f"notification:{message.id}", message.due_at)


def forget() -> None:
    """Know of none, as after a start."""
    _claimed.clear()
    _waiting.clear()


def _remember(messages: Sequence[Notification]) -> None:
    """Know messages by heart that a storm made and that no thread had room for yet."""
    with _lock:
        for message in messages:
            _waiting[message.id] = message
        while len(_waiting) > MOST_REMEMBERED:  # the oldest were sent by others, or never come
            del _waiting[next(iter(_waiting))]


def unchanged(ids: Sequence[int]) -> dict[int, Notification]:
    """Return, locked, those of some messages that are known by heart, if they and their pages are as they were written.

    That takes two small looks, where reading them with all that belongs to them takes longer than sending them.
    """
    with _lock:
        known = {pk: message for pk in ids if (message := _waiting.pop(pk, None)) is not None}
    same = as_written(known)
    return {pk: message for pk, message in known.items() if pk in same}


def as_written(known: Mapping[int, Notification]) -> set[int]:
    """Return, locked, which messages are as they stand here, their pages too, so that they are still to go out."""
    if not known:
        return set()
    pages = {message.page_id: message.page for message in known.values()}
    same_pages = {row[0] for row in bulk.select_by(Page, OF_PAGE, "id", list(pages)) if _is_same(pages[row[0]], row)}
    rows = bulk.select_by(Notification, OF_MESSAGE, "id", list(known), lock=True)
    same = {row[0] for row in rows if tuple(known[row[0]].__dict__[name] for name in OF_MESSAGE) == tuple(row)}
    return {pk for pk, message in known.items() if pk in same and message.page_id in same_pages}


def lane_of(dues: Sequence[timers.Due]) -> str:
    """Return the lane of messages that are known by heart, when all are plain posts to the same one; else nothing."""
    lanes: set[str] = set()
    ways = Ways()
    for due in dues:
        held = _claimed.get(due.id)
        message = held.notification if held is not None else _waiting.get(due.subject_id)
        way = held.way if held is not None else ways.of(message) if message is not None else None
        if way is None or way.provider.posts is None:
            return ""
        lanes.add(way.lane)
        if len(lanes) > 1:
            return ""
    return next(iter(lanes), "")


def _is_same(page: Page, row: Sequence[object]) -> bool:
    return page.state == Page.State.TRIGGERED and tuple(page.__dict__[name] for name in OF_PAGE) == tuple(row)


def of(due: timers.Due) -> Claimed | None:
    """Return, once, what was claimed with a timer."""
    return _claimed.pop(due.id, None)


def never_begun() -> dict[int, Claimed]:
    """Return, once, by their timers what no thread has begun with: for when none will any more."""
    return {pk: item for pk in list(_claimed) if (item := _claimed.pop(pk, None)) is not None}
