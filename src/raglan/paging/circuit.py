"""Keeps one bad provider from blocking the others: a circuit, a share of the threads, and news for the screen.

What a gateway says of what is behind it is of the address that was asked, which rests alone; of the whole server it is
when several addresses there fail so, and none goes well in between. It neither ends nor adds to a row of failures to
reach the server itself, and such a failure does not end the row of its address.

All of it is in the memory of one node: each node finds out for itself, within seconds, and a restart asks again.
"""

import threading
from collections import deque
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
MOST_BEHIND = 1000  # addresses of one server that are remembered
SEVERAL = 3  # so many addresses that fail behind a gateway are no matter of one of them
LATELY = LONGEST_REST


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
class Circuit:
    """How often something failed in a row, and until when it is left alone for that."""

    failures: int = 0
    closed_until: datetime | None = None
    last_error: str = ""
    failed_at: datetime | None = None

    def rests(self, at: datetime) -> bool:
        """Whether it is left alone for now."""
        return self.closed_until is not None and self.closed_until > at

    def hold(self, at: datetime) -> None:
        """After a rest one tries, and the others wait for what it finds."""
        if self.failures >= FAILURES:
            self.closed_until = at + TRIAL

    def put_off(self, entered: datetime) -> None:
        """The one that was to try has not: another may."""
        if self.closed_until == entered + TRIAL:
            self.closed_until = entered

    def fail(self, at: datetime) -> None:
        """One more in a row; from some on it rests, longer each time."""
        self.failures += 1
        if self.failures >= FAILURES:
            self.closed_until = at + min(REST * (self.failures - FAILURES + 1), LONGEST_REST)

    def note(self, at: datetime, error: DeliveryError) -> None:
        """Keep what was said last."""
        self.last_error, self.failed_at = error.sentence[:300], at


@dataclass
class Lane(Circuit):
    """What this node knows of one provider, or of one server behind it and its addresses that fail by a gateway."""

    name: str = ""
    handed_over: int = 0
    failed: int = 0
    in_flight: list[datetime] = field(default_factory=list)
    went_well_at: datetime | None = None
    behind: dict[str, Circuit] = field(default_factory=dict)  # by address, where a gateway failed the last one
    by_gateway: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=100))  # since one went well

    def is_slow(self, at: datetime) -> bool:
        """Whether somebody has been waiting for its answer for long."""
        return bool(self.in_flight) and at - self.in_flight[0] >= SLOW

    def resting(self, at: datetime) -> int:
        """Return how many addresses are left alone for now, while their server is not."""
        return sum(one.rests(at) for one in self.behind.values())

    def went_well(self, at: datetime, address: str) -> None:
        """One was taken: all is forgotten but of other addresses that fail by a gateway."""
        self.failures, self.closed_until, self.went_well_at = 0, None, at
        self.handed_over += 1
        self.behind.pop(address, None)
        self.by_gateway.clear()

    def learn(self, at: datetime, entered: datetime, error: DeliveryError, address: str) -> None:
        """One was not taken: whose failure that is its error says."""
        self.failed += 1
        self.note(at, error)
        if isinstance(error, ports.TooFast):
            self.behind.pop(address, None)
            self.closed_until = at + timedelta(seconds=error.seconds)
        elif error.is_of_gateway:  # what stands before the server was reached: how that one is it does not say
            self.put_off(entered)
            self._fail_behind(at, address, error)
        elif error.is_of_address:  # the server itself was reached
            self.behind.pop(address, None)
            self.failures = 0
            self.put_off(entered)
        elif error.permanent:  # which says nothing of the provider
            self.behind.pop(address, None)
        else:
            self.fail(at)

    def _fail_behind(self, at: datetime, address: str, error: DeliveryError) -> None:
        """A gateway answered for an address: that one fails, and the server when several of its addresses do."""
        if address not in self.behind and len(self.behind) >= MOST_BEHIND:
            del self.behind[min(self.behind, key=lambda one: _seconds(self.behind[one].failed_at))]
        one = self.behind.setdefault(address, Circuit())
        one.note(at, error)
        one.fail(at)
        self.by_gateway.append((at, address))
        lately = [of for when, of in self.by_gateway if at - when <= LATELY]
        if len(lately) >= FAILURES and len(set(lately)) >= SEVERAL:
            self.closed_until = at + REST  # then all may try: which of them is well nobody knows
            self.by_gateway.clear()


_lanes: dict[str, Lane] = {}
_lock = threading.RLock()
_changed = threading.Condition(_lock)


def name_of(provider: ports.Provider, address: str) -> str:
    """Return the lane of a provider, or of the server that an address leads to."""
    server = provider.lanes.lane(address) if provider.lanes is not None else ""
    return f"{provider.name} {server}".strip()


def rests(name: str, address: str = "") -> bool:
    """Tell whether a lane is left alone for now, or an address in it."""
    with _lock:
        lane, at = _lanes.get(name), now()
        if lane is None:
            return False
        return lane.rests(at) or (address in lane.behind and lane.behind[address].rests(at))


def lanes() -> list[Lane]:
    """Return what this node knows, by name."""
    with _lock:
        return sorted(_lanes.values(), key=lambda lane: lane.name)


def forget() -> None:
    """Begin anew, as after a restart."""
    with _lock:
        _lanes.clear()


@contextmanager
def hand_over(name: str, address: str = "") -> Iterator[None]:
    """Take a place in a lane for one call outside, and learn from its end. Raises Full or Resting at once."""
    entered = enter(name, address)
    try:
        yield
    except DeliveryError as error:
        leave(name, entered, error, address)
        raise
    except BaseException:
        leave(name, entered, None, address, is_known=False)
        raise
    leave(name, entered, None, address)


def enter(name: str, address: str = "") -> datetime:
    """Take a place in a lane, which is to be given back by `leave`. Raises Full or Resting at once."""
    with _changed:
        while (at := _place(name, address)) is None:
            _changed.wait((_lane(name).in_flight[0] + SLOW - now()).total_seconds())  # a quick provider has one soon
        return at


def enter_at_once(name: str, address: str = "") -> datetime | None:
    """Take a place as `enter` does, or return None where that would wait: for whoever holds such places already."""
    with _lock:
        return _place(name, address)


def _place(name: str, address: str) -> datetime | None:
    lane, at = _lane(name), now()
    one = lane.behind.get(address)
    if len(lane.in_flight) >= PLACES and not lane.is_slow(at):
        return None
    if lane.closed_until is not None and lane.closed_until > at:
        raise Resting(f"{name} is left alone for a moment{_after(lane)}: {lane.last_error}", lane.closed_until - at)
    if one is not None and one.closed_until is not None and one.closed_until > at:
        said = f"this address of {name} is left alone for a moment{_after(one)}: {one.last_error}"
        raise Resting(said, one.closed_until - at)
    if lane.is_slow(at) and len(lane.in_flight) >= PLACES_WHEN_SLOW:
        raise Full(SLOW)
    lane.hold(at)
    if one is not None:
        one.hold(at)
    lane.in_flight.append(at)
    return at


def _after(resting: Circuit) -> str:
    return f" after {resting.failures} failures" if resting.failures else ""


def _lane(name: str) -> Lane:
    if name not in _lanes and len(_lanes) >= MOST_LANES:
        idle = min((lane for lane in _lanes.values() if not lane.in_flight), key=_last_seen, default=None)
        if idle is not None:
            del _lanes[idle.name]
    return _lanes.setdefault(name, Lane(name=name))


def _last_seen(lane: Lane) -> float:
    return max(_seconds(moment) for moment in (lane.failed_at, lane.went_well_at))


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def back_out(name: str, entered: datetime, address: str = "") -> None:
    """Give a place back with which nothing was tried: where it was for the one that tries, another may try."""
    with _changed:
        lane = _lane(name)
        if entered in lane.in_flight:
            lane.in_flight.remove(entered)
        lane.put_off(entered)
        if (one := lane.behind.get(address)) is not None:
            one.put_off(entered)
        _changed.notify_all()


def leave(
    name: str, entered: datetime, error: DeliveryError | None, address: str = "", *, is_known: bool = True
) -> None:
    """Give a place back, and learn from how it went; without an error that went well, unless that is not known."""
    at = now()
    with _changed:
        lane = _lane(name)
        if entered in lane.in_flight:
            lane.in_flight.remove(entered)
        _changed.notify_all()
        if error is not None:
            lane.learn(at, entered, error, address)
        elif is_known:
            lane.went_well(at, address)
