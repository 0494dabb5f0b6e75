"""What several threads want to store at once is one transaction, and each gets its own result."""

import threading
from collections.abc import Sequence

import pytest
from django.db import connection

from raglan.core.db import atomic, in_write
from raglan.core.db.together import Together

pytestmark = pytest.mark.django_db(transaction=True)


class Store:
    """Remembers what was stored together; the first call waits until it is let go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.bad: set[int] = set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        assert self.go_on.wait(30)
        if self.bad & set(items):
            raise ValueError("not this one")
        return [item * 10 for item in items]


def all_at_once(together: Together[int, int], store: Store, others: Sequence[int]) -> dict[int, int | str]:
    """Call with 0; when that is at work with the others; return what each call gave."""
    found: dict[int, int | str] = {}

    def call(item: int) -> None:
        try:
            found[item] = together(item)
        except ValueError as error:
            found[item] = str(error)
        finally:
            connection.close()

    first = threading.Thread(target=call, args=[0])
    first.start()
    assert store.begun.wait(30)
    rest = [threading.Thread(target=call, args=[item]) for item in others]
    for thread in rest:
        thread.start()
    until_waiting(together, len(others))
    store.go_on.set()
    for thread in (first, *rest):
        thread.join(30)
    return found


def until_waiting(together: Together[int, int], count: int) -> None:
    for _ in range(3000):
        if len(together._waiting) == count:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{len(together._waiting)} of {count} wait")


def test_those_who_wait_are_stored_together_and_each_gets_its_own() -> None:
    store = Store()

    found = all_at_once(Together(store), store, [1, 2, 3])

    assert found == {0: 0, 1: 10, 2: 20, 3: 30}
    assert sorted(map(len, store.batches)) == [1, 3]


def test_one_that_raises_does_not_spoil_the_others() -> None:
    store = Store()
    store.bad = {2}

    found = all_at_once(Together(store), store, [1, 2, 3])

    assert found == {0: 0, 1: 10, 2: "not this one", 3: 30}


def test_not_more_than_so_many_at_a_time() -> None:
    store = Store()

    all_at_once(Together(store, most=2), store, [1, 2, 3])

    assert sorted(map(len, store.batches)) == [1, 1, 2]


def test_inside_a_transaction_nobody_is_waited_for() -> None:
    store = Store()
    store.go_on.set()
    together, held, done = Together(store), threading.Event(), threading.Event()

    def hold() -> None:
        with together._turn:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    with atomic():
        assert in_write()
        assert together(4) == 40
    done.set()
    thread.join(30)


def test_what_leads_to_itself_is_stored_inside() -> None:
    found: list[int] = []

    def again(items: Sequence[int]) -> list[int]:
        found.extend(together(item - 1) if item else 0 for item in items)
        return list(items)

    together: Together[int, int] = Together(again)

    assert together(2) == 2
    assert found == [0, 0, 1]
