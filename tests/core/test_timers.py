# ruff: noqa: PT012 -- what must fail is a whole transaction

from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic, in_write
from raglan.core.models import Timer
from raglan.testing import world

pytestmark = pytest.mark.django_db
Register = Callable[..., list[timers.Due]]
Write = Callable[..., Timer]


def subjects(fired: list[timers.Due]) -> list[str]:
    return [due.subject for due in fired]


def test_a_due_timer_fires_once_and_is_gone(handler: Register, plan: Write) -> None:
    fired = handler()
    plan()

    assert [timers.fire_due(), timers.fire_due()] == [1, 0]

    assert subjects(fired) == ["thing:1"]
    assert not Timer.objects.exists()


def test_a_timer_of_the_future_waits(handler: Register, plan: Write) -> None:
    fired = handler()
    plan(ago=-60)

    timers.fire_due()
    assert fired == []
    CLOCK.move(timedelta(seconds=61))
    timers.fire_due()

    assert len(fired) == 1


def test_the_oldest_goes_first(handler: Register, plan: Write) -> None:
    fired = handler()
    for ago in (10, 30, 20):
        plan(subject=f"thing:{ago}", ago=ago)

    timers.fire_due()

    assert subjects(fired) == ["thing:30", "thing:20", "thing:10"]


def test_a_kind_that_this_node_does_not_know_is_left_to_others(plan: Write) -> None:
    plan("of.a.later.version")

    assert timers.fire_due() == 0
    assert Timer.objects.filter(leased_until__isnull=True).count() == 1


def test_a_cancelled_timer_does_not_fire(handler: Register, plan: Write) -> None:
    fired = handler()
    plan()

    assert timers.cancel("test.work", subject="thing:1") == 1
    timers.fire_due()

    assert fired == []


def test_cancelling_names_kind_and_subject(handler: Register, plan: Write) -> None:
    fired = handler()
    plan()

    assert timers.cancel("test.work", subject="thing:2") == 0
    assert timers.cancel("other.work", subject="thing:1") == 0
    timers.fire_due()

    assert len(fired) == 1


def test_a_timer_cancelled_after_its_claim_has_no_effect(handler: Register, plan: Write) -> None:
    fired = handler()
    plan()
    due = timers.claim(1)[0]

    timers.cancel("test.work", subject="thing:1")
    timers.fire(due)

    assert fired == []


def test_a_claimed_timer_is_not_claimed_again_until_its_lease_ends(handler: Register, plan: Write) -> None:
    handler()
    plan()

    first = timers.claim(10)
    assert timers.claim(10) == []
    CLOCK.move(timedelta(seconds=21))
    second = timers.claim(10)

    assert [due.attempt for due in (*first, *second)] == [1, 2]


def test_a_node_that_outlived_its_lease_does_the_work_no_second_time(handler: Register, plan: Write) -> None:
    fired = handler()
    plan()
    slow = timers.claim(1)[0]
    CLOCK.move(timedelta(seconds=21))
    timers.fire(timers.claim(1)[0])

    timers.fire(slow)

    assert [due.attempt for due in fired] == [2]


def test_the_effect_and_the_end_of_a_timer_are_one_transaction(handler: Register, plan: Write) -> None:
    def write_and_raise(due: timers.Due) -> None:
        timers.schedule("test.later", subject="thing:2", due_at=now())
        raise RuntimeError("half way")

    handler(does=write_and_raise)
    plan()

    with pytest.raises(RuntimeError):
        timers.fire(timers.claim(1)[0])

    assert list(Timer.objects.values_list("kind", flat=True)) == ["test.work"]


def test_a_handler_that_raises_is_tried_three_times_and_then_set_aside(handler: Register, plan: Write) -> None:
    parked: list[str] = []

    def raises(due: timers.Due) -> None:
        raise RuntimeError("poison")

    fired = handler(does=raises, on_parked=lambda due, error: parked.append(error))
    plan()

    world.fast_forward(timedelta(minutes=5))

    timer = Timer.objects.get()
    assert [due.attempt for due in fired] == [1, 2, 3]
    assert parked == ["RuntimeError: poison"]
    assert (timer.parked_at is None, timer.last_error) == (False, "RuntimeError: poison")


def test_a_poison_timer_does_not_hold_up_the_others(handler: Register, plan: Write) -> None:
    def raises_for_one(due: timers.Due) -> None:
        if due.subject_id == 1:
            raise RuntimeError("poison")

    fired = handler(does=raises_for_one)
    plan(subject="thing:1", ago=20)
    plan(subject="thing:2", ago=10)

    world.fire_all()

    assert subjects(fired) == ["thing:1", "thing:2"]


def test_a_lane_keeps_its_order_through_a_failure(handler: Register, plan: Write) -> None:
    def raises_once(due: timers.Due) -> None:
        if due.subject_id == 1 and due.attempt == 1:
            raise RuntimeError("not yet")

    fired = handler(does=raises_once)
    for number in (1, 2):
        plan(subject=f"thing:{number}", lane="incident:7")
    plan(subject="thing:3", lane="incident:8")

    world.fast_forward(timedelta(seconds=30))

    assert subjects(fired) == ["thing:1", "thing:3", "thing:1", "thing:2"]


def test_a_lane_goes_on_behind_a_timer_that_was_set_aside(handler: Register, plan: Write) -> None:
    def raises_for_one(due: timers.Due) -> None:
        if due.subject_id == 1:
            raise RuntimeError("poison")

    fired = handler(does=raises_for_one)
    for number in (1, 2):
        plan(subject=f"thing:{number}", lane="incident:7")

    world.fast_forward(timedelta(minutes=1))

    assert subjects(fired) == ["thing:1"] * 3 + ["thing:2"]


def test_one_of_a_lane_is_claimed_at_a_time(handler: Register, plan: Write) -> None:
    handler()
    for number in (1, 2, 3):
        plan(subject=f"thing:{number}", lane="incident:7")

    assert [due.subject for due in timers.claim(10)] == ["thing:1"]
    assert timers.claim(10) == []


def test_a_network_handler_runs_outside_a_transaction(handler: Register, plan: Write) -> None:
    inside: list[bool] = []
    handler(does=lambda due: inside.append(in_write()), network=True)
    plan()

    timers.fire_due()

    assert inside == [False]
    assert not Timer.objects.exists()


def test_a_network_handler_that_died_is_called_again_and_told_so(handler: Register, plan: Write) -> None:
    fired = handler(network=True)
    plan()
    timers.claim(1)  # by a process that is gone

    assert timers.fire_due() == 0
    CLOCK.move(timedelta(seconds=21))
    timers.fire_due()

    assert [due.attempt for due in fired] == [2]


def test_a_start_gives_back_the_claims_of_the_process_before(handler: Register, plan: Write) -> None:
    fired = handler()
    plan()
    timers.claim(1)

    assert timers.release() == 1
    timers.fire_due()

    assert len(fired) == 1


def test_claims_of_other_nodes_stay_theirs(handler: Register, plan: Write) -> None:
    handler()
    plan()
    timers.claim(1)
    Timer.objects.update(leased_by="another-node:1")

    assert timers.release(timers.NODE) == 0


def test_lateness_counts_what_nobody_works_on(handler: Register, plan: Write) -> None:
    handler()
    assert timers.lateness() == 0
    plan(ago=30)

    assert 29 < timers.lateness() < 40
    timers.claim(1)

    assert timers.lateness() == 0


def test_a_timer_of_a_rolled_back_change_never_was(handler: Register) -> None:
    with pytest.raises(RuntimeError), atomic():
        timers.schedule("test.work", subject="thing:1", due_at=now())
        raise RuntimeError

    assert not Timer.objects.exists()


def test_the_payload_comes_back_as_it_was_written(handler: Register) -> None:
    fired = handler()
    timers.schedule("test.work", subject="thing:12", due_at=now(), payload={"words": ["ä", 1, None]})

    timers.fire_due()

    assert (fired[0].payload, fired[0].subject_id) == ({"words": ["ä", 1, None]}, 12)
