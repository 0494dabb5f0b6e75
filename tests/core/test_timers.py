# ruff: noqa: PT012 -- what must fail is a whole transaction

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic, in_write
from raglan.core.faults import Crash, crash_at
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


def test_what_is_planned_is_known_by_kind_subject_and_time(handler: Register, plan: Write) -> None:
    handler()
    kind, subject = (made := plan(ago=-60)).kind, made.subject

    assert timers.is_planned(kind, subject=subject)
    assert timers.is_planned(kind, subject=subject, by=made.due_at)
    assert not timers.is_planned(kind, subject=subject, by=now())
    assert not timers.is_planned(kind, subject="thing:0")
    assert not timers.is_planned("of.a.later.version", subject=subject)
    CLOCK.move(timedelta(seconds=61))
    assert timers.claim(1)
    assert not timers.is_planned(kind, subject=subject)  # at work


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


def test_a_light_timer_of_an_unknown_kind_is_left_to_others() -> None:
    timer = timers.schedule("test.unknown", subject="thing:1", due_at=now())
    Timer.objects.filter(pk=timer.pk).update(pool=timers.Pool.LIGHT)

    assert timers.fire_light() == 0
    assert Timer.objects.filter(pk=timer.pk).exists()


def test_work_that_must_not_stop_is_due_anew_when_it_was_set_aside(handler: Register, plan: Write) -> None:
    def raises(due: timers.Due) -> None:
        if len(fired) < 8:
            raise RuntimeError("poison")

    fired = handler(does=raises, on_parked=timers.goes_on(timedelta(minutes=1)))
    plan()

    world.fast_forward(timedelta(minutes=10))

    assert len(fired) == 8
    assert Timer.objects.get().parked_at is not None  # the last one set aside is there to be seen


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


Many = list[list[timers.Due]]


@pytest.fixture
def light() -> Iterator[Callable[..., Many]]:
    """Register a light handler; the batches that it was given are in the list."""

    def register(does: Callable[[Sequence[timers.Due]], object] = lambda many: None) -> Many:
        given: Many = []

        def function(many: Sequence[timers.Due]) -> None:
            given.append(list(many))
            does(many)

        timers.light_handler("test.light")(function)
        return given

    yield register
    timers.HANDLERS.pop("test.light", None)


def test_light_timers_fire_together_oldest_first(light: Callable[..., Many], plan: Write) -> None:
    given = light()
    for ago in (10, 30, 20, -60):
        plan("test.light", f"thing:{ago}", ago=ago)

    assert [timers.fire_light(), timers.fire_light()] == [3, 0]

    assert [subjects(many) for many in given] == [["thing:30", "thing:20", "thing:10"]]
    assert [due.attempt for due in given[0]] == [1, 1, 1]
    assert list(Timer.objects.values_list("subject", flat=True)) == ["thing:-60"]


def test_no_more_light_timers_are_taken_than_asked_for(light: Callable[..., Many], plan: Write) -> None:
    given = light()
    for number in range(5):
        plan("test.light", f"thing:{number}")

    assert [timers.fire_light(2), timers.fire_light(2), timers.fire_light(2)] == [2, 2, 1]

    assert [len(many) for many in given] == [2, 2, 1]


def test_a_poison_light_timer_is_found_and_set_aside_and_the_others_are_done(
    light: Callable[..., Many], plan: Write
) -> None:
    done: list[str] = []

    def raises_for_one(many: Sequence[timers.Due]) -> None:
        for due in many:
            if due.subject_id == 2:
                raise RuntimeError("poison")
        done.extend(subjects(list(many)))

    light(raises_for_one)
    for number in (1, 2, 3):
        plan("test.light", f"thing:{number}")

    timers.fire_light()
    assert timers.fire_light() == 0
    world.fast_forward(timedelta(minutes=1))

    assert done == ["thing:1", "thing:3"]
    assert [(timer.subject, timer.parked_at is None) for timer in Timer.objects.all()] == [("thing:2", False)]


@pytest.mark.parametrize("name", ["timers.taken", "db.before_commit", "db.after_commit"])
def test_light_timers_that_a_crash_cut_off_are_all_there_or_all_done(
    light: Callable[..., Many], plan: Write, name: str
) -> None:
    light(lambda many: [timers.schedule("test.done", subject=due.subject, due_at=now()) for due in many])
    for number in range(3):
        plan("test.light", f"thing:{number}")

    with pytest.raises(Crash), crash_at(1, name):
        timers.fire_light()

    left = Counter(Timer.objects.values_list("kind", flat=True))
    assert left == ({"test.done": 3} if name == "db.after_commit" else {"test.light": 3})


def test_a_light_timer_in_a_lane_waits_for_its_turn(light: Callable[..., Many], plan: Write, handler: Register) -> None:
    given, fired = light(), handler()
    plan("test.work", "thing:1", lane="incident:7")
    plan("test.light", "thing:2", lane="incident:7")

    assert timers.fire_light() == 0
    world.fire_all()

    assert (subjects(fired), [subjects(many) for many in given]) == (["thing:1"], [["thing:2"]])


def test_a_cancelled_light_timer_does_not_fire(light: Callable[..., Many], plan: Write) -> None:
    given = light()
    plan("test.light")
    timers.cancel("test.light", subject="thing:1")

    assert (timers.fire_light(), given) == (0, [])


def test_timers_of_an_older_version_are_given_to_the_pool_of_their_kind(
    light: Callable[..., Many], handler: Register, plan: Write
) -> None:
    light()
    handler("test.call", network=True)
    for kind in ("test.light", "test.call", "of.another.version"):
        plan(kind)
    Timer.objects.update(pool=timers.Pool.WORK)

    assert (timers.sort_into_pools(), timers.sort_into_pools()) == (2, 0)

    pools = dict(Timer.objects.values_list("kind", "pool"))
    assert pools == {"test.light": 2, "test.call": 1, "of.another.version": 0}


def test_a_look_at_what_is_due_reads_the_index_and_not_the_table(handler: Register, plan: Write) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the plan of PostgreSQL depends on sizes")
    handler()
    plan()

    with CaptureQueriesContext(connection) as looked:
        timers.heads()
    for query in looked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            steps = " ".join(str(row[3]) for row in cursor.fetchall())
        assert "SEARCH core_timer USING INDEX timer_pool_due" in steps
        assert "TEMP B-TREE" not in steps
