# ruff: noqa: PT012 -- what must fail is a whole transaction

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connections, transaction

from raglan.core.db import DatabaseTooSlow, UnknownOutcome, atomic, deadline, no_deadline
from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import note, notes, registered, run

WAIT = 40.0  # less than what they would wait for
SHORT = 0.3


def backend(alias: str) -> int:
    return int(str(run(alias, "SELECT pg_backend_pid()")[0][0]))


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """Stop a process as a machine that hangs does: its kernel goes on acknowledging."""
    with awake_at_the_end(process):
        os.kill(process, signal.SIGSTOP)
        yield


@contextmanager
def awake_at_the_end(process: int) -> Iterator[None]:
    """Let a process that the block stops go on after it."""
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes far longer than its deadline, with room for a loaded machine."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def until_gone(process: int) -> None:
    """Wait until the server has noticed that we hung up."""
    with pg.server().connect() as observer:
        until = time.monotonic() + WAIT
        while observer.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [process]).fetchone():
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_slow_statement_ends_at_its_deadline_and_its_transaction_is_not_stored(postgresql: str) -> None:
    refused = pytest.raises(DatabaseTooSlow, match="nothing of the transaction is stored")
    with at_most(WAIT), refused, deadline(SHORT), atomic(postgresql):
        note(postgresql, "lost")
        run(postgresql, "SELECT pg_sleep(60)")

    assert notes(postgresql) == []


def test_after_a_shut_socket_the_next_statement_connects_again(postgresql: str) -> None:
    before = backend(postgresql)
    with deadline(SHORT), pytest.raises(OperationalError):
        run(postgresql, "SELECT pg_sleep(60)")

    assert backend(postgresql) != before
    with atomic(postgresql):
        note(postgresql, "again")
    assert notes(postgresql) == ["again"]


def test_a_statement_that_commits_itself_has_an_unknown_outcome(postgresql: str) -> None:
    with deadline(SHORT), pytest.raises(UnknownOutcome, match="outcome is unknown"):
        run(postgresql, "SELECT pg_sleep(60)")


def test_the_deadline_is_for_the_block_not_for_each_statement(postgresql: str) -> None:
    done = 0
    with at_most(WAIT), pytest.raises(DatabaseTooSlow), deadline(2 * SHORT), atomic(postgresql):
        for _ in range(100):
            run(postgresql, "SELECT pg_sleep(%s)", SHORT)
            done += 1

    assert done <= 2


def test_an_inner_deadline_cannot_lengthen_the_outer_one(postgresql: str) -> None:
    with at_most(WAIT), deadline(SHORT), pytest.raises(DatabaseTooSlow), atomic(postgresql), deadline(60):
        run(postgresql, "SELECT pg_sleep(60)")


def test_every_statement_has_a_deadline_by_itself(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.core.db.deadlines.DEFAULT_SECONDS", SHORT)

    with at_most(WAIT), pytest.raises(DatabaseTooSlow), atomic(postgresql):
        run(postgresql, "SELECT pg_sleep(60)")


def test_long_work_may_lift_the_deadline(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.core.db.deadlines.DEFAULT_SECONDS", 0.1)

    with no_deadline():
        assert len(run(postgresql, "SELECT pg_sleep(%s)", SHORT)) == 1
    with connections[postgresql].schema_editor() as editor:
        editor.execute("SELECT pg_sleep(%s)", [SHORT])


def test_many_waits_share_one_watchdog_and_only_the_late_one_is_struck(postgresql: str) -> None:
    other = databases(pg.database_url("probe"), Path())["default"]
    with registered("other", other):
        with atomic("other"):
            run("other", "SELECT 1")
            with deadline(SHORT), pytest.raises(OperationalError):
                run(postgresql, "SELECT pg_sleep(60)")
            note("other", "unharmed")

        assert notes(postgresql) == ["unharmed"]


def test_a_commit_on_a_frozen_server_ends_at_the_deadline_and_is_unknown(postgresql: str) -> None:
    process = backend(postgresql)
    called: list[str] = []
    refused = pytest.raises(UnknownOutcome, match="may or may not be stored")
    with awake_at_the_end(process), at_most(WAIT), refused, ExitStack() as transactions:
        transactions.enter_context(atomic(postgresql))
        transaction.on_commit(lambda: called.append("told"), using=postgresql)
        note(postgresql, "perhaps")
        os.kill(process, signal.SIGSTOP)  # after the last statement, before the commit
        with deadline(2 * SHORT):
            transactions.close()
    until_gone(process)

    # The commit was on its way when we hung up, and this time it did arrive: unknown is not failed.
    assert notes(postgresql) == ["perhaps"]
    assert called == []


@pytest.mark.usefixtures("postgresql")
def test_a_frozen_server_does_not_freeze_new_connections() -> None:
    lone = pg.Server()
    try:
        lonely = registered("lone", databases(lone.url(), Path())["default"])
        with lonely as alias, frozen(lone.process.pid), at_most(WAIT), pytest.raises(OperationalError):
            run(alias, "SELECT 1")
    finally:
        lone.stop()


def test_a_connection_found_frozen_by_its_health_check_is_replaced(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raglan.core.db.postgresql.base.HEALTH_CHECK_SECONDS", SHORT)
    process = backend(postgresql)
    connections[postgresql].close_if_unusable_or_obsolete()  # as at the start of each request

    with frozen(process), at_most(WAIT):
        assert backend(postgresql) != process


def test_a_server_that_goes_away_in_a_commit_leaves_it_unknown(postgresql: str) -> None:
    process = backend(postgresql)
    with pytest.raises(UnknownOutcome), atomic(postgresql):
        note(postgresql, "perhaps")
        with pg.server().connect() as observer:
            observer.execute("SELECT pg_terminate_backend(%s)", [process])
        until_gone(process)

    assert notes(postgresql) == []


def test_an_ordinary_error_stays_an_ordinary_error(postgresql: str) -> None:
    with pytest.raises(OperationalError) as caught, atomic(postgresql):
        run(postgresql, "SET LOCAL statement_timeout = 50")
        run(postgresql, "SELECT pg_sleep(60)")

    assert not isinstance(caught.value, UnknownOutcome | DatabaseTooSlow)
