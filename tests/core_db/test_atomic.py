# ruff: noqa: PT012 -- what must fail is a whole transaction

import pytest
from django.db import IntegrityError, transaction

from raglan.core.db import atomic, in_write
from tests.support.probe import note, notes, run


def test_a_block_stores_all_of_it(sqlite: str) -> None:
    with atomic(sqlite):
        note(sqlite, "one")
        note(sqlite, "two")

    assert notes(sqlite) == ["one", "two"]


def test_an_exception_stores_none_of_it(sqlite: str) -> None:
    with pytest.raises(ValueError, match="no"), atomic(sqlite):
        note(sqlite, "one")
        raise ValueError("no")

    assert notes(sqlite) == []


def test_an_inner_block_may_fail_alone(sqlite: str) -> None:
    with atomic(sqlite):
        note(sqlite, "outer")
        with pytest.raises(IntegrityError), atomic(sqlite):
            note(sqlite, "inner")
            run(sqlite, "INSERT INTO note (id) VALUES (1)")

    assert notes(sqlite) == ["outer"]


@pytest.mark.django_db(transaction=True)
def test_a_decorated_function_runs_in_a_transaction_and_keeps_its_result() -> None:
    @atomic
    def double(number: int, *, plus: int = 0) -> tuple[int, bool]:
        """Double a number."""
        return number * 2 + plus, transaction.get_connection().in_atomic_block

    assert double(4, plus=1) == (9, True)
    assert (double.__name__, double.__doc__) == ("double", "Double a number.")


def test_a_decorator_may_name_its_database(sqlite: str) -> None:
    @atomic(sqlite)
    def write() -> None:
        note(sqlite, "one")
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            write()

    assert notes(sqlite) == []


def test_a_durable_block_may_not_be_inside_another(sqlite: str) -> None:
    with atomic(sqlite, durable=True):
        note(sqlite, "one")
    with pytest.raises(RuntimeError, match="durable"), atomic(sqlite), atomic(sqlite, durable=True):
        pass

    assert notes(sqlite) == ["one"]


@pytest.mark.django_db
def test_a_durable_block_works_inside_a_wrapping_test_transaction() -> None:
    with atomic(durable=True):
        assert in_write()


def test_a_thread_knows_whether_it_is_writing(sqlite: str) -> None:
    seen = [in_write(sqlite)]
    with atomic(sqlite):
        with atomic(sqlite):
            seen.append(in_write(sqlite))
        seen.append(in_write(sqlite))
    seen.append(in_write(sqlite))

    assert seen == [False, True, True, False]


def test_callbacks_run_after_the_outermost_commit_only(sqlite: str) -> None:
    seen: list[list[str]] = []
    with atomic(sqlite):
        with atomic(sqlite):
            note(sqlite, "one")
            transaction.on_commit(lambda: seen.append(notes(sqlite)), using=sqlite)
        assert seen == []

    assert seen == [["one"]]


def test_callbacks_of_a_block_that_failed_do_not_run(sqlite: str) -> None:
    seen: list[str] = []
    with pytest.raises(ValueError, match="no"), atomic(sqlite):
        transaction.on_commit(lambda: seen.append("one"), using=sqlite)
        raise ValueError("no")

    assert seen == []
