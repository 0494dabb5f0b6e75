"""Keeps one bad provider from blocking the others: a circuit, a share of the threads, and news for the screen.

All of it is in the memory of one node: each node finds out for itself, within seconds, and a restart asks again.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from raglan.core.clock import now
from raglan.core.engine import NETWORK_THREADS
from raglan.core.errors import DeliveryError, RaglanError
from raglan.paging import ports

FAILURES = 5
REST = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=1)
TRIAL = timedelta(seconds=5)
SLOW = timedelta(seconds=2)
PLACES = max(1, NETWORK_THREADS - 2)
PLACES_WHEN_SLOW = max(1, NETWORK_THREADS // 2 - 1)
MOST_LANES = 1000


class Full(RaglanError):
    """The lane has all the threads that one provider may have; `wait` says when to look again."""

    code = "lane_full"

    def __init__(self, wait: timedelta) -> None:
        super().__init__("this provider is busy")
        self.wait = wait


class Resting(DeliveryError):
    """The lane is left alone: nothing was tried. `wait` says when to look again."""

    def __init__(self, sentence: str, wait: timedelta) -> None:
        super().__init__(sentence, permanent=False)
        self.wait = wait


@dataclass
class Lane:
    """What this node knows of one provider, or of one server behind it."""

    name: str
    failures: int = 0
    closed_until: datetime | None = None
    handed_over: int = 0
    failed: int = 0
    in_flight: list[datetime] = field(default_factory=list)
    last_error: str = ""
    failed_at: datetime | None = None
    went_well_at: datetime | None = None

    def is_slow(self, at: datetime) -> bool:
        """Whether somebody has been waiting for its answer for long."""
        return bool(self.in_flight) and at - self.in_flight[0] >= SLOW

    def rests(self, at: datetime) -> bool:
        """Whether it is left alone for now."""
        return self.closed_until is not None and self.closed_until > at


_lanes: dict[str, Lane] = {}
_lock = threading.RLock()
_changed = threading.Condition(_lock)


def name_of(provider: ports.Provider, address: str) -> str:
    """Return the lane of a provider, or of the server that an address leads to."""
    server = provider.lanes.lane(address) if provider.lanes is not None else ""
    return f"{provider.name} {server}".strip()


def rests(name: str) -> bool:
    """Tell whether a lane is left alone for now."""
    with _lock:
        return name in _lanes and _lanes[name].rests(now())


def lanes() -> list[Lane]:
    """Return what this node knows, by name."""
    with _lock:
        return sorted(_lanes.values(), key=lambda lane: lane.name)


def forget() -> None:
    """Begin anew, as after a restart."""
    with _lock:
        _lanes.clear()


@contextmanager
def hand_over(name: str) -> Iterator[None]:
    """Take a place in a lane for one call outside, and learn from its end. Raises Full or Resting at once."""
    entered = enter(name)
    try:
        yield
    except DeliveryError as error:
        leave(name, entered, error)
        raise
    except BaseException:
        leave(name, entered, None, is_known=False)
        raise
    leave(name, entered, None)


def enter(name: str) -> datetime:
    """Take a place in a lane, which is to be given back by `leave`. Raises Full or Resting at once."""
    with _changed:
        while (at := _place(name)) is None:
            _changed.wait((_lane(name).in_flight[0] + SLOW - now()).total_seconds())  # a quick provider has one soon
        return at


def enter_at_once(name: str) -> datetime | None:
    """Take a place as `enter` does, or return None where that would wait: for whoever holds such places already."""
    with _lock:
        return _place(name)


def _place(name: str) -> datetime | None:
    lane, at = _lane(name), now()
    if len(lane.in_flight) >= PLACES and not lane.is_slow(at):
        return None
    if lane.closed_until is not None and lane.closed_until > at:
        said = f"{name} is left alone for a moment after {lane.failures} failures: {lane.last_error}"
        raise Resting(said, lane.closed_until - at)
    if lane.is_slow(at) and len(lane.in_flight) >= PLACES_WHEN_SLOW:
        raise Full(SLOW)
    if lane.failures >= FAILURES:
        lane.closed_until = at + TRIAL  # one tries; the others wait for what it finds
    lane.in_flight.append(at)
    return at


def _lane(name: str) -> Lane:
    if name not in _lanes and len(_lanes) >= MOST_LANES:
        idle = min((lane for lane in _lanes.values() if not lane.in_flight), key=_last_seen, default=None)
        if idle is not None:
            del _lanes[idle.name]
    return _lanes.setdefault(name, Lane(name))


def _last_seen(lane: Lane) -> float:
    return max(moment.timestamp() if moment else 0.0 for moment in (lane.failed_at, lane.went_well_at))


def back_out(name: str, entered: datetime) -> None:
    """Give a place back with which nothing was tried: where it was for the one that tries, another may try."""
    with _changed:
        lane = _lane(name)
        if entered in lane.in_flight:
            lane.in_flight.remove(entered)
        if lane.closed_until == entered + TRIAL:
            lane.closed_until = entered
        _changed.notify_all()


def leave(name: str, entered: datetime, error: DeliveryError | None, *, is_known: bool = True) -> None:
    """Give a place back, and learn from how it went; without an error that went well, unless that is not known."""
    at = now()
    with _changed:
        lane = _lane(name)
        if entered in lane.in_flight:
            lane.in_flight.remove(entered)
        _changed.notify_all()
        if error is None:
            if is_known:
                lane.failures, lane.closed_until, lane.went_well_at = 0, None, at
                lane.handed_over += 1
            return
        lane.failed += 1
        lane.last_error, lane.failed_at = error.sentence[:300], at
        if isinstance(error, ports.TooFast):
            lane.closed_until = at + timedelta(seconds=error.seconds)
        elif not (error.permanent or error.is_of_address):  # these say nothing of the provider
            lane.failures += 1
            if lane.failures >= FAILURES:
                lane.closed_until = at + min(REST * (lane.failures - FAILURES + 1), LONGEST_REST)
