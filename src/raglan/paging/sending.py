"""Sending the messages of one go: one after another, and several at once where a channel posts them.

A thread that waits for each answer does little else, however quick the receiver is. So those that are a plain POST are
written over all the connections that are kept and for which their lane has a place, and then the answers are read as
they come. Each takes its place in its lane as ever, so that no receiver has more of them at once.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial

from prometheus_client import Counter as Counted
from prometheus_client import Histogram as Timed

from raglan.core import http, logs, metrics, posts, timers
from raglan.core.db import fault_point
from raglan.core.errors import DeliveryError
from raglan.paging import circuit, claimed, claiming, delivery, ports
from raglan.paging.models import Notification
from raglan.paging.wording import Words

MOST_AT_ONCE = 16
WAIT_S = 1.0
log = logs.get("raglan.paging")


@dataclass(frozen=True, slots=True, eq=False)  # so that no code of Python runs where one is looked for
class Ready:
    """A message in *sending*, who is to take it, and what is set when that was begun or put off, where one waits."""

    due: timers.Due
    notification: Notification
    provider: ports.Provider
    lane: str
    begun: threading.Event | None = None

    @property
    def address(self) -> str:
        """Where it goes."""
        return self.notification.address

    @classmethod
    def by(
        cls, due: timers.Due, notification: Notification, way: claimed.Way, begun: threading.Event | None = None
    ) -> "Ready":
        """Return a message with its way."""
        return cls(due, notification, way.provider, way.lane, begun)


@dataclass(slots=True)
class Went:
    """What became of the messages of one go.

    Those `over` need their timers no more; those `back` could not be begun, and those `kept` could not be given back
    either; `others` are to be fired alone, after this. Timers that are `late` were given to other threads. What was
    `sent` is taken from there when it is recorded early, and its timers stand in `recorded`, as do those of refusals,
    which are recorded at once.
    """

    waiting: deque[Ready] = field(default_factory=deque)
    others: list[timers.Due] = field(default_factory=list)
    sent: deque[tuple[int, claiming.Sent]] = field(default_factory=deque)  # with the timer of each
    over: list[int] = field(default_factory=list)
    back: list[Ready] = field(default_factory=list)
    kept: list[Ready] = field(default_factory=list)
    late: set[int] = field(default_factory=set)
    recorded: set[int] = field(default_factory=set)
    is_relieved: bool = False  # what was not begun goes back from now on

    def next(self, full: Collection[str] = ()) -> Ready | None:
        """Take the next message that is for none of some lanes; two threads may ask."""
        if not full:
            try:
                return self.waiting.popleft()
            except IndexError:
                return None
        for item in self.waiting.copy():
            if item.lane not in full:
                with suppress(ValueError):  # the other thread has just taken it
                    self.waiting.remove(item)
                    return item
        return None


@dataclass(frozen=True, slots=True)
class _Begun:
    """A message that is with its provider, since when (monotonic seconds), and its place in the lane."""

    item: Ready
    started: float
    place: datetime


def send(went: Went, give_back: Callable[[], None]) -> None:
    """Send what waits, until nothing does; what becomes of each stands in `went`.

    `give_back` lets other threads have what waits; it is called for what is put off after the go's relief has come.
    """
    go = _Go(went)
    try:
        with http.keeping():
            full: set[str] = set()  # lanes of which one had to be put off since the last answers
            while (item := went.next(full)) is not None or go.on_way:
                if item is None:
                    go.collect(WAIT_S)
                    full.clear()
                elif not go.begin(item):
                    went.waiting.appendleft(item)  # where it can be taken from us as long as it was not begun
                    full.add(item.lane)
                if went.is_relieved and (went.waiting or went.back):  # which may have come while nobody could take it
                    give_back()
    finally:
        go.leave()


class _NotYet(Exception):
    """It would have to be waited for."""


class _Go:
    """The sender of one go."""

    def __init__(self, went: Went) -> None:
        self._went = went
        self._words = Words()
        self._around = ports.around_many([item.notification.page for item in went.waiting])
        self._lanes: Counter[str] = Counter()
        self._made: dict[int, posts.Post] = {}  # by timer, of those that were put off
        self.on_way: posts.Posts[_Begun] = posts.Posts()

    def begin(self, item: Ready) -> bool:
        """Begin with one; return when it was written, or has ended. False where that would hold up what is on its way.

        Places in lanes are held for no longer than their answers take: so nothing is waited for but these.
        """
        if len(self.on_way) >= MOST_AT_ONCE:
            return False
        try:
            if self.on_way and not self._may_begin(item):
                return False
            place = _enter(item, is_at_once=bool(self.on_way))
            if place is None:
                return False
            begun = _Begun(item, time.monotonic(), place)
            return self._end(begun, partial(self._send, begun))
        except (circuit.Full, circuit.Resting):  # it has come to that since they were claimed; nothing was tried
            self._went.back.append(item)
        except Exception:  # it may be with its provider: alone, it goes out as a possible repeat
            _broke(item)
        finally:
            if item.begun is not None:
                item.begun.set()
        return True

    def _may_begin(self, item: Ready) -> bool:
        """Tell whether one seems to hold up nothing that is on its way, before anything is made for it."""
        channel = item.provider.posts
        if channel is None:
            return False
        return not self._has_others(item.lane) or posts.has_line(channel.url_of(item.notification.address))

    def _has_others(self, lane: str) -> bool:
        """Tell whether some are on their way in other lanes: those have their places for so long."""
        return len(self.on_way) > self._lanes[lane]

    def collect(self, wait_s: float) -> None:
        """Wait for an answer to what is on its way, for so long at most."""
        for begun, result in self.on_way.ended(wait_s):
            self._lanes[begun.item.lane] -= 1
            try:
                self._end(begun, partial(_receipt_of, begun.item, result))
            except Exception:
                _broke(begun.item)

    def _end(self, begun: _Begun, end: Callable[[], ports.Receipt | None]) -> bool:
        """Note how one ends, and give its place back, unless it is still on its way. False when it has to wait."""
        item, went = begun.item, self._went
        try:
            receipt = end()
        except DeliveryError as error:
            circuit.leave(item.lane, begun.place, error, item.address)
            if delivery.refused(item.due, item.provider, error):
                went.recorded.add(item.due.id)
            went.over.append(item.due.id)
            return True
        except _NotYet:
            circuit.back_out(item.lane, begun.place, item.address)
            return False
        except BaseException:
            circuit.leave(item.lane, begun.place, None, item.address, is_known=False)
            raise
        if receipt is None:
            self._lanes[item.lane] += 1
            return True
        circuit.leave(item.lane, begun.place, None, item.address)
        fault_point("deliver.sent")
        sends, seconds = _metrics_of(item.notification.channel)
        sends.inc()
        seconds.observe(time.monotonic() - begun.started)
        went.sent.append((item.due.id, claiming.Sent(item.notification, receipt, item.provider)))
        went.over.append(item.due.id)
        return True

    def _send(self, begun: _Begun) -> ports.Receipt | None:
        """Send one, or write it only: then None is returned, and the answer comes later. Raises _NotYet."""
        item = begun.item
        row, channel = item.notification, item.provider.posts
        if channel is None:
            return item.provider.channel.send(row.address, self._message_of(item))
        one = self._made.pop(item.due.id, None) or channel.post_of(row.address, self._message_of(item))
        if self.on_way.begin(one, begun):
            return None
        if self._has_others(item.lane):
            self._made[item.due.id] = one
            raise _NotYet
        return channel.receipt_of(posts.post(one))

    def _message_of(self, item: Ready) -> ports.Message:
        around = self._around[item.notification.page_id]
        return self._words.message_of(item.notification, around, takes_answers=item.provider.takes_answers)

    def leave(self) -> None:
        """Give back the places of what is still on its way: of something that broke."""
        for begun in self.on_way.leave():
            circuit.leave(begun.item.lane, begun.place, None, begun.item.address, is_known=False)


def _enter(item: Ready, *, is_at_once: bool) -> datetime | None:
    enter = circuit.enter_at_once if is_at_once else circuit.enter
    return enter(item.lane, item.address)


@lru_cache(maxsize=64)
def _metrics_of(channel: str) -> tuple[Counted, Timed]:
    return metrics.sends.labels(channel, "handed_over"), metrics.send_seconds.labels(channel)


def _receipt_of(item: Ready, result: posts.Result) -> ports.Receipt:
    if isinstance(result, DeliveryError):
        raise result
    if item.provider.posts is None:
        raise TypeError(f"{item.provider.name} posts nothing")
    return item.provider.posts.receipt_of(result)


def _broke(item: Ready) -> None:
    log.exception("a message broke", extra={"notification": item.notification.pk})
