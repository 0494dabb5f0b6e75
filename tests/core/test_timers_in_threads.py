import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection

from raglan.core import timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.models import Timer

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., list[timers.Due]]


def in_threads(*functions: Callable[[], object]) -> None:
    """Run functions at the same time; an error in one is an error of the test."""
    errors: list[BaseException] = []

    def run(function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def many(number: int, *, lanes: int = 0) -> None:
    timers.schedule_many(
        [
            timers.Plan("test.work", f"thing:{index}", now(), lane=f"lane:{index % lanes}" if lanes else "")
            for index in range(number)
        ]
    )


def test_four_threads_claim_each_timer_once(handler: Register) -> None:
    handler()
    many(120)
    claimed: list[int] = []
    together = threading.Barrier(4)

    def claim_all() -> None:
        together.wait()
        while batch := timers.claim(3):
            claimed.extend(due.id for due in batch)

    in_threads(*[claim_all] * 4)

    assert max(Counter(claimed).values()) == 1
    assert len(claimed) == 120


def test_what_another_transaction_is_claiming_is_not_claimed(handler: Register) -> None:
    handler()
    many(2)
    holds, may_end = threading.Event(), threading.Event()
    found: dict[str, list[int]] = {}

    def claims_and_waits() -> None:
        with atomic():
            found["first"] = [due.id for due in timers.claim(1)]
            holds.set()
            may_end.wait(1)  # on SQLite the other one can not come in before this ends

    def claims_meanwhile() -> None:
        holds.wait(60)
        found["second"] = [due.id for due in timers.claim(2)]
        may_end.set()

    in_threads(claims_and_waits, claims_meanwhile)

    assert len(found["first"]) == len(found["second"]) == 1
    assert found["first"] != found["second"]


def test_four_threads_keep_the_order_of_each_lane(handler: Register) -> None:
    fired = handler()
    many(60, lanes=3)
    together = threading.Barrier(4)

    def fire_all() -> None:
        together.wait()
        while Timer.objects.exists():
            for due in timers.claim(2):
                timers.fire(due)

    in_threads(*[fire_all] * 4)

    for lane in range(3):
        of_lane = [due.subject_id for due in fired if due.subject_id % 3 == lane]
        assert of_lane == sorted(of_lane)
    assert len(fired) == 60


def test_two_threads_with_the_same_claim_do_the_work_once(handler: Register) -> None:
    fired = handler()
    many(1)
    due = timers.claim(1)[0]
    together = threading.Barrier(2)

    def fire() -> None:
        together.wait()
        timers.fire(due)

    in_threads(fire, fire)

    assert len(fired) == 1


def test_a_cancel_and_a_fire_at_the_same_time_end_one_way_or_the_other(handler: Register) -> None:
    fired = handler()
    for _ in range(10):
        fired.clear()
        many(1)
        due = timers.claim(1)[0]
        cancelled: list[int] = []
        together = threading.Barrier(2)

        def fire(due: timers.Due = due, together: threading.Barrier = together) -> None:
            together.wait()
            timers.fire(due)

        def cancel(together: threading.Barrier = together, cancelled: list[int] = cancelled) -> None:
            together.wait()
            with atomic():
                cancelled.append(timers.cancel("test.work", subject="thing:0"))

        in_threads(fire, cancel)

        assert len(fired) + cancelled[0] == 1
