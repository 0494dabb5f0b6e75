import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from raglan.core import engine as engines
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic
from raglan.core.engine import Engine
from raglan.core.models import Timer
from tests.support.pace import timed

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
    assert running.stop(timeout=60)


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

    with timed() as pace:
        plan(ago=-0.3)
        eventually(lambda: fired)

    assert timedelta(0) <= at[0] < timedelta(seconds=5 + pace.late_s)


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
    slow = handler("test.slow", does=lambda due: may_end.wait(90), network=True)
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
    slow = handler("test.slow", does=lambda due: may_end.wait(90), network=True)
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
        does=lambda due: due.subject == "page:0" and may_end.wait(90),
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
        assert running.stop(timeout=60)


def test_a_thread_that_has_done_its_share_asks_for_more_while_another_hangs(handler: Register) -> None:
    may_end, asked = threading.Event(), threading.Event()

    def several(dues: Sequence[timers.Due]) -> Sequence[timers.Due]:
        if dues[0].subject == "page:0":
            may_end.wait(90)
        return ()

    handler("test.page", network=True, first=True, several=several)
    dues = [timers.Due(number, "test.page", f"page:{number}", now(), 1, {}) for number in range(4)]
    pool = engines.Pool("test", threads=2, depth=1, done=asked.set)
    pool.start()
    try:
        pool.give(dues[:2])
        pool.give(dues[2:])
        assert asked.wait(60)
        assert not may_end.is_set()
    finally:
        may_end.set()
        assert pool.stop(time.monotonic() + 60)


def plan_claimed(running: Engine, *subjects: str, breaks: bool = False) -> list[list[timers.Due]]:
    """Write timers that this node has claimed already; return what was kept of them after the commit."""
    kept: list[list[timers.Due]] = []
    with suppress(ValueError), atomic():
        plans = [timers.Plan("test.page", subject, now()) for subject in subjects]
        timers.schedule_claimed(plans, running, keep=lambda dues: kept.append(list(dues)))
        if breaks:
            raise ValueError
    return kept


def test_what_is_claimed_where_it_is_written_is_done_without_a_look(
    seldom: None, handler: Register, eventually: Wait
) -> None:
    fired = handler("test.page", network=True, first=True, several=lambda dues: dues)
    running = Engine(threads=1, network_threads=2)
    assert timers.taker() is None
    running.start()
    try:
        eventually(lambda: timers.taker() is running)  # PostgreSQL is asked for the time first
        assert running.room == 2 * engines.SEVERAL
        kept = plan_claimed(running, "page:1", "page:2", "page:3")
        plan_claimed(running, "page:4", breaks=True)

        eventually(lambda: not Timer.objects.exists())
        assert [due.subject for due in kept[0]] == ["page:1", "page:2", "page:3"]
        assert sorted((due.subject, due.attempt) for due in fired) == [("page:1", 1), ("page:2", 1), ("page:3", 1)]
    finally:
        assert running.stop(timeout=60)
    assert timers.taker() is None


def test_what_its_process_never_began_comes_again_when_its_lease_is_over(handler: Register) -> None:
    handler("test.page", network=True, first=True, several=lambda dues: dues)
    plan_claimed(Engine(threads=1, network_threads=1), "page:1")  # which dies at once
    assert timers.claim(1) == []
    CLOCK.move(timedelta(seconds=21))

    assert [due.attempt for due in timers.claim(1)] == [2]


def test_an_engine_that_is_held_or_stops_is_given_nothing(eventually: Wait) -> None:
    running = Engine(threads=1, network_threads=1)
    running.start()
    try:
        eventually(lambda: timers.taker() is running)  # PostgreSQL is asked for the time first
        assert running.room == engines.SEVERAL
        running.is_held = lambda: True
        assert timers.taker() is None
        running.is_held = lambda: False
        assert timers.taker() is running
    finally:
        running.stop(timeout=60)
    assert timers.taker() is None


def test_only_what_is_due_before_the_next_look_wakes_the_engine(handler: Register) -> None:
    handler()
    woken: list[int] = []
    end = timers.on_wake(lambda: woken.append(1))
    timers.schedule("test.work", subject="thing:1", due_at=now() + timedelta(seconds=600))
    later = len(woken)
    timers.schedule("test.work", subject="thing:2", due_at=now() + timedelta(seconds=0.5))
    end()

    assert (later, len(woken)) == (0, 1)


def test_a_lane_goes_on_as_soon_as_its_first_is_done(
    monkeypatch: pytest.MonkeyPatch, handler: Register, plan: Write, eventually: Wait
) -> None:
    monkeypatch.setattr(engines, "BLOCKED_WAIT_S", 600.0)
    monkeypatch.setattr(engines, "MAX_WAIT_S", 600.0)
    may_end, began = threading.Event(), threading.Event()

    def does(due: timers.Due) -> None:
        if due.subject == "thing:0":
            began.set()
            may_end.wait(90)

    fired = handler(does=does, network=True)  # which holds no transaction
    for number in range(2):
        timers.schedule("test.work", subject=f"thing:{number}", due_at=now(), lane="one")
    running = Engine(threads=1, network_threads=4)
    running.start()
    try:
        assert began.wait(60)
        eventually(lambda: running._main.rounds >= 2 and running._has_left)  # it saw that the second has to wait
        may_end.set()
        eventually(lambda: len(fired) == 2)
    finally:
        may_end.set()
        assert running.stop(timeout=60)


def test_stop_finishes_what_runs_and_gives_the_rest_back(handler: Register, plan: Write, eventually: Wait) -> None:
    may_end = threading.Event()
    fired = handler(does=lambda due: may_end.wait(90))
    running = Engine(threads=1, network_threads=1)
    running.start()
    for number in range(3):
        plan(subject=f"thing:{number}")
    eventually(lambda: fired)

    end = threading.Thread(target=lambda: (eventually(lambda: running._main.is_stopping), may_end.set()))
    end.start()
    assert running.stop(timeout=60)

    end.join()
    assert len(fired) == 1
    assert Timer.objects.filter(leased_until__isnull=True).count() == 2


def test_stop_does_not_wait_longer_than_it_was_told(handler: Register, plan: Write, eventually: Wait) -> None:
    may_end = threading.Event()
    fired = handler(does=lambda due: may_end.wait(90))
    running = Engine(threads=1, network_threads=1)
    running.start()
    plan()
    eventually(lambda: fired)
    try:
        with timed() as pace:
            assert not running.stop(timeout=0.5)
        assert pace.s < 5
    finally:
        may_end.set()
    eventually(lambda: not any(thread.name == "raglan-work-0" for thread in threading.enumerate()))


def test_after_a_stop_nothing_more_is_claimed(handler: Register, plan: Write) -> None:
    fired = handler()
    running = Engine(threads=1, network_threads=1)
    running.start()
    running.stop(timeout=60)

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
