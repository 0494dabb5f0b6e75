import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from raglan.core import engine as engines
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.engine import Engine
from raglan.core.models import Timer

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., list[timers.Due]]
Write = Callable[..., Timer]
Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A running engine."""
    running = Engine(threads=2, network_threads=4)
    running.start()
    yield running
    assert running.stop(timeout=8)


def test_what_is_due_fires(engine: Engine, handler: Register, plan: Write, eventually: Wait) -> None:
    fired = handler()

    plan()

    eventually(lambda: fired)
    eventually(lambda: not Timer.objects.exists())


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an engine that nobody wakes look once in ten minutes."""
    monkeypatch.setattr(engines, "MAX_WAIT_S", 600.0)


def test_a_timer_written_now_does_not_wait_for_the_next_look(
    seldom: None, engine: Engine, handler: Register, plan: Write, eventually: Wait
) -> None:
    fired = handler()
    eventually(lambda: engine.ticks)

    plan()

    eventually(lambda: fired)


def test_a_later_timer_fires_at_its_time_and_not_before(
    engine: Engine, handler: Register, plan: Write, eventually: Wait
) -> None:
    at: list[timedelta] = []
    fired = handler(does=lambda due: at.append(now() - due.due_at))

    plan(ago=-0.3)
    eventually(lambda: fired)

    assert timedelta(0) <= at[0] < timedelta(seconds=5)


def test_the_loop_survives_a_handler_that_raises(
    engine: Engine, handler: Register, plan: Write, eventually: Wait
) -> None:
    def raises(due: timers.Due) -> None:
        raise ValueError("poison")

    poisoned, well = handler("test.poison", does=raises), handler()

    plan("test.poison")
    eventually(lambda: poisoned)
    plan()

    eventually(lambda: well)


def test_a_slow_call_outside_does_not_hold_up_work_in_the_database(
    engine: Engine, handler: Register, plan: Write, eventually: Wait
) -> None:
    may_end = threading.Event()
    slow = handler("test.slow", does=lambda due: may_end.wait(10), network=True)
    quick = handler()
    try:
        for number in range(4):
            plan("test.slow", f"thing:{number}")
        eventually(lambda: len(slow) == 2)  # as many as there are threads for what is no page
        plan()
        eventually(lambda: quick)
    finally:
        may_end.set()
    eventually(lambda: len(slow) == 4)


def test_what_goes_first_finds_threads_however_much_else_hangs(
    engine: Engine, handler: Register, plan: Write, eventually: Wait
) -> None:
    may_end = threading.Event()
    slow = handler("test.slow", does=lambda due: may_end.wait(10), network=True)
    page = handler("test.page", network=True, first=True)
    try:
        for number in range(12):
            plan("test.slow", f"thing:{number}")
        eventually(lambda: len(slow) == 2)
        for number in range(12):
            plan("test.page", f"page:{number}", ago=0)
        eventually(lambda: len(page) == 12)
        assert len(slow) == 2
    finally:
        may_end.set()
    eventually(lambda: len(slow) == 12)


def test_threads_share_what_is_due_and_one_call_that_hangs_alone_holds_up_no_other(
    handler: Register, plan: Write, eventually: Wait
) -> None:
    may_end, shares = threading.Event(), list[int]()

    def several(dues: Sequence[timers.Due]) -> Sequence[timers.Due]:
        shares.append(len(dues))
        return dues  # all of them are to be fired alone

    fired = handler(
        "test.page",
        does=lambda due: due.subject == "page:0" and may_end.wait(10),
        network=True,
        first=True,
        several=several,
    )
    for number in range(8):
        plan("test.page", f"page:{number}")
    running = Engine(threads=1, network_threads=4)
    running.start()
    try:
        eventually(lambda: len(fired) == 8)
        eventually(lambda: Timer.objects.count() == 1)
        assert sorted(shares)[-4:] == [2, 2, 2, 2]
    finally:
        may_end.set()
        assert running.stop(timeout=8)


def test_a_thread_that_has_done_its_share_asks_for_more_while_another_hangs(handler: Register) -> None:
    may_end, asked = threading.Event(), threading.Event()

    def several(dues: Sequence[timers.Due]) -> Sequence[timers.Due]:
        if dues[0].subject == "page:0":
            may_end.wait(10)
        return ()

    handler("test.page", network=True, first=True, several=several)
    dues = [timers.Due(number, "test.page", f"page:{number}", now(), 1, {}) for number in range(4)]
    pool = engines.Pool("test", threads=2, depth=1, done=asked.set)
    pool.start()
    try:
        pool.give(dues[:2])
        pool.give(dues[2:])
        assert asked.wait(9)
        assert not may_end.is_set()
    finally:
        may_end.set()
        assert pool.stop(time.monotonic() + 8)


def test_stop_finishes_what_runs_and_gives_the_rest_back(handler: Register, plan: Write, eventually: Wait) -> None:
    may_end = threading.Event()
    fired = handler(does=lambda due: may_end.wait(10))
    running = Engine(threads=1, network_threads=1)
    running.start()
    for number in range(3):
        plan(subject=f"thing:{number}")
    eventually(lambda: fired)

    threading.Timer(0.2, may_end.set).start()
    assert running.stop(timeout=8)

    assert len(fired) == 1
    assert Timer.objects.filter(leased_until__isnull=True).count() == 2


def test_stop_does_not_wait_longer_than_it_was_told(handler: Register, plan: Write, eventually: Wait) -> None:
    may_end = threading.Event()
    fired = handler(does=lambda due: may_end.wait(20))
    running = Engine(threads=1, network_threads=1)
    running.start()
    plan()
    eventually(lambda: fired)
    try:
        began = time.monotonic()
        assert not running.stop(timeout=0.5)
        assert time.monotonic() - began < 5
    finally:
        may_end.set()
    eventually(lambda: not any(thread.name == "raglan-work-0" for thread in threading.enumerate()))


def test_after_a_stop_nothing_more_is_claimed(handler: Register, plan: Write) -> None:
    fired = handler()
    running = Engine(threads=1, network_threads=1)
    running.start()
    running.stop(timeout=8)

    plan()

    assert fired == []
    assert Timer.objects.filter(leased_until__isnull=True).count() == 1


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_moved_clock_skips_nothing_and_doubles_nothing(
    engine: Engine, handler: Register, plan: Write, eventually: Wait, hours: int
) -> None:
    fired = handler()
    plan(subject="thing:1")
    eventually(lambda: len(fired) == 1)

    CLOCK.move(timedelta(hours=hours))
    plan(subject="thing:2")
    eventually(lambda: len(fired) == 2)
    CLOCK.move(timedelta(hours=-hours))
    plan(subject="thing:3")
    eventually(lambda: len(fired) == 3)

    assert [due.subject for due in fired] == ["thing:1", "thing:2", "thing:3"]


def test_the_engine_says_when_it_last_looked(engine: Engine, eventually: Wait) -> None:
    before = engine.last_tick

    eventually(lambda: engine.last_tick > before)

    assert engine.oldest_due_lateness() == 0
