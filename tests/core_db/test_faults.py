# ruff: noqa: PT012 -- what must fail is a whole transaction

import threading

import pytest
from django.db import connections, transaction

from raglan.core import faults
from raglan.core.db import atomic, fault_point
from tests.support.probe import note, notes


def test_without_a_plan_a_fault_point_does_nothing() -> None:
    fault_point("anywhere")

    assert not faults.is_armed()


def test_names_are_recorded_in_order() -> None:
    with faults.record() as names:
        fault_point("one")
        fault_point("two")
    fault_point("three")

    assert names == ["one", "two"]


def test_the_kth_point_dies_and_everything_after_it_too() -> None:
    with faults.crash_at(2) as plan:
        fault_point("one")
        for name in ("two", "three"):
            with pytest.raises(faults.Crash, match=name if name == "two" else "three"):
                fault_point(name)

    assert plan.struck


def test_points_may_be_counted_by_name() -> None:
    with faults.crash_at(2, name="send") as plan:
        for name in ("claim", "send", "claim"):
            fault_point(name)
        with pytest.raises(faults.Crash):
            fault_point("send")

    assert plan.names == ["send", "send"]


def test_a_plan_beyond_the_last_point_does_not_strike() -> None:
    with faults.crash_at(2) as plan:
        fault_point("one")

    assert not plan.struck


def test_a_crash_is_not_caught_as_an_exception() -> None:
    assert not issubclass(faults.Crash, Exception)


def test_other_threads_die_with_the_process() -> None:
    deaths: list[str] = []

    def other() -> None:
        try:
            fault_point("elsewhere")
        except faults.Crash as crash:
            deaths.append(str(crash))

    with faults.crash_at(1):
        with pytest.raises(faults.Crash):
            fault_point("here")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert deaths == ["elsewhere"]


def test_an_outermost_block_has_a_point_on_either_side_of_its_commit(sqlite: str) -> None:
    with faults.record() as names, atomic(sqlite), atomic(sqlite):
        note(sqlite, "one")

    assert names == ["db.before_commit", "db.after_commit"]


def test_a_rolled_back_block_reaches_no_point(sqlite: str) -> None:
    with faults.record() as names, pytest.raises(ValueError, match="no"), atomic(sqlite):
        raise ValueError("no")

    assert names == []


def test_a_crash_before_the_commit_stores_nothing(sqlite: str) -> None:
    with faults.crash_at(1, name="db.before_commit"), pytest.raises(faults.Crash), atomic(sqlite):
        note(sqlite, "one")

    assert notes(sqlite) == []


def test_a_crash_after_the_commit_keeps_the_rows_and_loses_the_callbacks(sqlite: str) -> None:
    called: list[str] = []

    with faults.crash_at(1, name="db.after_commit"), pytest.raises(faults.Crash), atomic(sqlite):
        note(sqlite, "one")
        transaction.on_commit(lambda: called.append("one"), using=sqlite)

    assert (notes(sqlite), called) == (["one"], [])


def test_after_a_crash_the_connection_can_be_used_again(sqlite: str) -> None:
    with faults.crash_at(1), pytest.raises(faults.Crash), atomic(sqlite):
        note(sqlite, "one")
    with atomic(sqlite):
        note(sqlite, "two")

    assert notes(sqlite) == ["two"]
    assert not connections[sqlite].in_atomic_block


def test_postgresql_has_the_same_points(postgresql: str) -> None:
    with faults.crash_at(2) as plan, pytest.raises(faults.Crash), atomic(postgresql):
        note(postgresql, "one")

    assert plan.names == ["db.before_commit", "db.after_commit"]
    assert notes(postgresql) == ["one"]


@pytest.mark.django_db
def test_inside_a_wrapping_test_transaction_the_points_are_the_same() -> None:
    with faults.record() as names, atomic():
        pass

    assert names == ["db.before_commit", "db.after_commit"]
