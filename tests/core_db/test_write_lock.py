import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import OperationalError, connections, transaction

from raglan.core.db import atomic, write_lock
from raglan.core.db.settings import databases
from tests.support.probe import note, notes, registered, rows_of, run

WAIT = 10.0


def closing(alias: str, work: Callable[[], None]) -> Callable[[], None]:
    """Close the thread's connection when its work is done."""

    def worker() -> None:
        try:
            work()
        finally:
            connections[alias].close()

    return worker


def start(alias: str, work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=closing(alias, work))
    thread.start()
    return thread


def test_the_lock_may_be_taken_again_by_its_owner() -> None:
    with write_lock, write_lock:
        assert write_lock.is_mine

    assert not write_lock.is_mine


def test_a_second_writer_waits_for_the_commit_of_the_first(sqlite: str) -> None:
    order: list[str] = []
    writing, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with atomic(sqlite):
            note(sqlite, "first")
            writing.set()
            assert go_on.wait(WAIT)
            order.append("first")

    def second() -> None:
        with atomic(sqlite):
            order.append("second")
            order.extend(notes(sqlite))

    threads = [start(sqlite, first)]
    assert writing.wait(WAIT)
    threads.append(start(sqlite, second))
    assert not write_lock.acquire(timeout=0.05)  # the first still has it, so the second cannot have begun
    go_on.set()
    for thread in threads:
        thread.join(WAIT)

    assert order == ["first", "second", "first"]


@pytest.mark.parametrize("verb", ["INSERT", " insert", "UPDATE", "DELETE", "REPLACE"])
def test_a_statement_by_itself_waits_in_the_same_line(sqlite: str, verb: str) -> None:
    note(sqlite, "there")
    rest = {"UPDATE": "note SET text = 'new'", "DELETE": "FROM note"}.get(verb, "INTO note (text) VALUES ('new')")
    done = threading.Event()

    def alone() -> None:
        run(sqlite, f"{verb} {rest}")
        done.set()

    with write_lock:  # of a thread that has committed, and moves what is in the log
        thread = start(sqlite, alone)
        assert not done.wait(0.1)
    assert done.wait(WAIT)
    thread.join(WAIT)
    assert notes(sqlite) == {"UPDATE": ["new"], "DELETE": []}.get(verb, ["there", "new"])
    assert write_lock.acquire(timeout=WAIT)
    write_lock.release()


def test_a_statement_that_returns_rows_has_committed_when_it_gives_the_lock_back(sqlite: str) -> None:
    insert = "INSERT INTO note (text) VALUES ('one'), ('two'), ('three'), ('four') RETURNING text"
    with connections[sqlite].cursor() as cursor:
        cursor.execute(insert)
        assert rows_of(Path(connections[sqlite].settings_dict["NAME"]), "SELECT count(*) FROM note") == [(4,)]
        assert cursor.fetchone() == ("one",)
        assert cursor.fetchmany(2) == [("two",), ("three",)]
        assert cursor.fetchall() == [("four",)]
        assert cursor.fetchone() is None
        cursor.execute("SELECT text FROM note ORDER BY id")
        assert cursor.fetchone() == ("one",)


def test_many_rows_by_themselves_wait_in_the_same_line(sqlite: str) -> None:
    done = threading.Event()

    def alone() -> None:
        with connections[sqlite].cursor() as cursor:
            cursor.executemany("INSERT INTO note (text) VALUES (%s)", [["one"], ["two"]])
        done.set()

    with write_lock:
        thread = start(sqlite, alone)
        assert not done.wait(0.1)
    thread.join(WAIT)
    assert done.is_set()
    assert notes(sqlite) == ["one", "two"]


def test_a_statement_by_itself_that_waits_too_long_is_told(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.core.db.sqlite.base.TIMEOUT_SECONDS", 0.05)
    told: list[str] = []

    def alone() -> None:
        try:
            note(sqlite, "never")
        except OperationalError as error:
            told.append(str(error))

    with write_lock:
        start(sqlite, alone).join(WAIT)
    assert "locked" in told[0]
    assert notes(sqlite) == []


def test_readers_do_not_wait_for_a_writer(sqlite: str) -> None:
    seen: list[list[str]] = []
    with atomic(sqlite):
        note(sqlite, "not yet")
        start(sqlite, lambda: seen.append(notes(sqlite))).join(WAIT)

    assert seen == [[]]


def test_callbacks_after_the_commit_run_without_the_lock(sqlite: str) -> None:
    held: list[bool] = []
    with atomic(sqlite):
        held.append(write_lock.is_mine)
        transaction.on_commit(lambda: held.append(write_lock.is_mine), using=sqlite)

    assert held == [True, False]


def test_django_s_own_transactions_queue_in_the_same_line(sqlite: str) -> None:
    with transaction.atomic(sqlite):
        assert write_lock.is_mine

    assert not write_lock.is_mine


def test_the_lock_comes_back_after_a_roll_back_and_after_a_close(sqlite: str) -> None:
    with pytest.raises(ValueError, match="no"), atomic(sqlite):
        raise ValueError("no")
    assert not write_lock.is_mine

    with atomic(sqlite):
        connections[sqlite].close()
        connections[sqlite].closed_in_transaction = False
    assert not write_lock.is_mine


def test_the_lock_comes_back_when_a_transaction_cannot_begin(sqlite: str, tmp_path: Path) -> None:
    run(sqlite, "PRAGMA busy_timeout = 0")
    plain = {**databases("", tmp_path)["default"], "ENGINE": "django.db.backends.sqlite3"}
    refused = pytest.raises(OperationalError, match="locked")
    # The plain backend stands for another process that holds the file.
    with registered("other", plain) as other, transaction.atomic(other), refused, atomic(sqlite):
        pass

    assert not write_lock.is_mine


def test_a_writer_that_waits_too_long_is_told(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.core.db.sqlite.base.TIMEOUT_SECONDS", 0.05)
    told: list[str] = []

    def second() -> None:
        try:
            with atomic(sqlite):
                pass
        except OperationalError as error:
            told.append(str(error))

    with atomic(sqlite):
        start(sqlite, second).join(WAIT)

    assert len(told) == 1
    assert "locked" in told[0]


def add_one(alias: str) -> None:
    """Read, then write what was read plus one: the pattern that a deferred transaction cannot do."""
    with atomic(alias):
        ((number,),) = run(alias, "SELECT text FROM note WHERE id = 1")
        run(alias, "UPDATE note SET text = %s WHERE id = 1", str(int(str(number)) + 1))


def test_eight_threads_that_read_then_write_never_fail(sqlite: str) -> None:
    note(sqlite, "0")

    def work() -> None:
        for _ in range(30):
            add_one(sqlite)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(closing(sqlite, work)) for _ in range(8)]:
            done.result()

    assert notes(sqlite) == ["240"]


def test_control_deferred_transactions_fail_when_two_read_then_write(sqlite: str, tmp_path: Path) -> None:
    note(sqlite, "0")
    plain = {**databases("", tmp_path)["default"], "ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 5}}
    both_have_read = threading.Barrier(2, timeout=WAIT)
    errors: list[str] = []

    def work() -> None:
        try:
            with transaction.atomic("plain"):
                notes("plain")
                both_have_read.wait()
                note("plain", "more")
        except OperationalError as error:
            errors.append(str(error))

    with registered("plain", plain):
        threads = [start("plain", work) for _ in range(2)]
        for thread in threads:
            thread.join(WAIT)

    assert errors == ["database is locked"]
