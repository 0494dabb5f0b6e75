"""Keys that are taken before their rows are stored are nobody else's, whatever becomes of the transaction."""

import threading

import pytest
from django.db import connection

from raglan.core.clock import now
from raglan.core.db import atomic, bulk, numbering
from raglan.core.models import Event, Seal, Sign

pytestmark = pytest.mark.django_db(transaction=True)


class Undone(Exception):
    """Takes a block back."""


def store(*keys: int) -> None:
    bulk.insert([bulk.fresh(Sign, id=key, name=f"by key {key}", at=now()) for key in keys])


def let_the_database_count(name: str) -> int:
    return Sign.objects.create(name=name, at=now()).pk


def stored() -> list[int]:
    return list(Sign.objects.order_by("pk").values_list("pk", flat=True))


def test_keys_of_several_tables_are_taken_together_and_given_in_order() -> None:
    let_the_database_count("first")
    with atomic():
        bulk.reserve_keys({Sign: 3, Event: 2})
        keys = [*bulk.take_keys(Sign, 1), *bulk.take_keys(Sign, 4), *bulk.take_keys(Sign, 1)]
        store(*keys)

    assert keys == sorted(set(keys))
    assert stored() == sorted({*keys, stored()[0]})


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has sequences, which are asked each time")
def test_a_reserve_is_one_statement_for_all_tables() -> None:
    let_the_database_count("first")
    asked: list[str] = []
    with atomic():
        bulk.reserve_keys({Sign: 2})
        connection.connection.set_trace_callback(asked.append)
        try:
            bulk.take_keys(Sign, 2)
        finally:
            connection.connection.set_trace_callback(None)

    assert asked == []


def test_rows_that_the_database_counts_come_after_the_reserve() -> None:
    let_the_database_count("first")
    with atomic():
        bulk.reserve_keys({Sign: 2})
        between = let_the_database_count("in between")
        keys = bulk.take_keys(Sign, 2)
        store(*keys)

    assert len({between, *keys}) == 3


def test_what_is_left_of_a_reserve_is_given_to_nobody_later() -> None:
    let_the_database_count("first")
    with atomic():
        bulk.reserve_keys({Sign: 5})
        store(*bulk.take_keys(Sign, 1))
    with atomic():
        later = let_the_database_count("later")
        (key,) = bulk.take_keys(Sign, 1)
        store(key)

    assert later < key == max(stored())


@atomic
def reserve_in_vain() -> None:
    bulk.reserve_keys({Sign: 5})
    bulk.take_keys(Sign, 1)
    raise Undone


def test_a_reserve_that_was_taken_back_is_not_used_again() -> None:
    let_the_database_count("first")
    with pytest.raises(Undone):
        reserve_in_vain()

    let_the_database_count("after")
    with atomic():
        let_the_database_count("and one more")
        store(*bulk.take_keys(Sign, 3))

    assert len(stored()) == 6


def test_a_reserve_that_a_savepoint_took_back_is_not_used_again() -> None:
    let_the_database_count("first")
    with atomic():
        with pytest.raises(Undone):
            reserve_in_vain()
        let_the_database_count("after")
        store(*bulk.take_keys(Sign, 3))

    assert len(stored()) == 5


def test_outside_of_a_transaction_nothing_is_reserved() -> None:
    let_the_database_count("first")
    bulk.reserve_keys({Sign: 5})
    let_the_database_count("second")
    store(*bulk.take_keys(Sign, 1))

    assert len(stored()) == 3


def test_a_table_in_which_nothing_was_ever_stored_is_counted_from_one() -> None:
    with atomic():
        bulk.reserve_keys({Sign: 2})
        keys = bulk.take_keys(Sign, 2)
        store(*keys)

    assert stored() == keys


def test_another_thread_has_a_reserve_of_its_own() -> None:
    let_the_database_count("first")
    found: list[int] = []

    def elsewhere() -> None:
        with atomic():
            keys = bulk.take_keys(Sign, 2)
            found.extend(keys)
            store(*keys)
        connection.close()

    with atomic():
        bulk.reserve_keys({Sign: 3})
        mine = bulk.take_keys(Sign, 2)
        store(*mine)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(20)

    assert len({*mine, *found}) == 4


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has a sequence for each table")
def test_counters_of_some_tables_are_put_first_and_go_on() -> None:
    let_the_database_count("first")
    before = counters()
    numbering.put_first([Seal, Sign])
    numbering.put_first([Seal, Sign])

    assert list(counters())[:2] == ["core_seal", "core_sign"]
    assert counters() == {"core_seal": 0} | before
    assert let_the_database_count("second") == stored()[0] + 1
    with atomic():
        assert bulk.take_keys(Seal, 2) == [before.get("core_seal", 0) + 1, before.get("core_seal", 0) + 2]


def counters() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence ORDER BY rowid")
        return dict(cursor.fetchall())
