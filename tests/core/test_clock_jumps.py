"""Somebody sets the machine's clock in the middle of a wait, a lease and a turn: the same steps, in the same order."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo

import pytest
from django.db import connection

from raglan.core import clock, timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.engine import Engine
from raglan.core.models import Timer
from tests.support.pace import timed

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., list[timers.Due]]
Wait = Callable[[Callable[[], object]], None]
WINDOW_S = 2.0
JUMPS = [timedelta(seconds=1), timedelta(seconds=61), timedelta(hours=3), timedelta(days=400)]


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Set the machine's clock: this far from the true time."""
    off = [timedelta()]

    class Set(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + off[0]

    monkeypatch.setattr(clock, "datetime", Set)
    return lambda by: off.__setitem__(0, by)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A running engine."""
    running = Engine(threads=1, network_threads=2)
    running.start()
    yield running
    assert running.stop(timeout=60)


class Moment:
    """A time of raglan's clock, between two of the machine's own (monotonic seconds): it may stand still in between."""

    def __init__(self) -> None:
        self.before, self.at, self.after = time.monotonic(), now(), time.monotonic()


@pytest.mark.parametrize("sign", [1, -1], ids=["forwards", "backwards"])
@pytest.mark.parametrize("by", JUMPS, ids=str)
def test_steps_keep_their_order_and_their_time(
    engine: Engine,
    wall: Callable[[timedelta], None],
    handler: Register,
    eventually: Wait,
    by: timedelta,
    sign: int,
) -> None:
    late: list[float] = []
    may_end = threading.Event()
    fired = handler(does=lambda due: late.append((now() - due.due_at).total_seconds()))
    called = handler("test.call", does=lambda due: may_end.wait(90), network=True)
    started = Moment()
    start = started.at
    for number in range(4):
        timers.schedule("test.work", subject=f"step:{number}", due_at=start + timedelta(seconds=0.2 + 0.3 * number))
    timers.schedule("test.call", subject="page:1", due_at=start)
    eventually(lambda: called)

    with timed() as pace:
        wall(sign * by)  # in the middle of a wait, and of a call under lease
        eventually(lambda: len(fired) >= 2)
        leased_until = Timer.objects.get(kind="test.call").leased_until
        wall(timedelta())
        may_end.set()
        eventually(lambda: len(fired) == 4)
        eventually(lambda: not Timer.objects.exists())
    ended = Moment()

    assert [due.subject for due in fired] == [f"step:{number}" for number in range(4)]
    assert [due.attempt for due in (*fired, *called)] == [1] * 5
    assert all(0 <= seconds < WINDOW_S + pace.late_s for seconds in late)
    assert leased_until is not None
    assert leased_until - start < timedelta(minutes=1)
    passed = (ended.at - start).total_seconds()
    assert ended.before - started.after - 0.5 <= passed <= ended.after - started.before + 0.5


def test_both_ways_are_told(engine: Engine, wall: Callable[[timedelta], None], eventually: Wait) -> None:
    eventually(lambda: engine.ticks)
    for by, number in ((timedelta(hours=3), 1), (timedelta(), 2)):
        wall(by)
        engine.wake()
        eventually(lambda number=number: len(timeline.about("raglan:clock")) == number)

    told = [event.data["seconds"] for event in timeline.about("raglan:clock")]
    assert [round(float(str(seconds))) for seconds in told] == [10_800, -10_800]


@pytest.mark.parametrize("seconds", [-6, 6])
def test_a_node_whose_clock_is_wrong_claims_nothing_until_it_is_right(
    monkeypatch: pytest.MonkeyPatch, handler: Register, eventually: Wait, seconds: int
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own to differ from")
    fired = handler()
    right = CLOCK._wall
    monkeypatch.setattr(CLOCK, "_wall", right + timedelta(seconds=seconds))
    monkeypatch.setattr("raglan.core.engine.COMPARE_EVERY_S", 0.1)
    engine = Engine(threads=1, network_threads=1)
    engine.start()
    try:
        timers.schedule("test.work", subject="thing:1", due_at=now() - timedelta(minutes=1))
        eventually(lambda: engine.ticks > 3)
        assert (fired, Timer.objects.get().attempts) == ([], 0)
        assert round(engine.clock_skew_s) == seconds

        monkeypatch.setattr(CLOCK, "_wall", right)
        eventually(lambda: fired)
    finally:
        assert engine.stop(timeout=60)
