"""A commit that waits for a standby which is not there."""
# ruff: noqa: PT012 -- what must fail is a whole transaction

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker

from raglan.core.db import UnknownOutcome, atomic, deadline
from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import make_note_table, note, notes, registered, run

WAIT = 40.0


@pytest.fixture(scope="module")
def lonely_primary() -> Iterator[pg.Server]:
    """A primary that must not acknowledge before a standby has the commit, and has no standby."""
    server = pg.Server({"synchronous_standby_names": "ghost"})
    yield server
    server.stop()


@pytest.fixture
def primary(lonely_primary: pg.Server, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Alias of that server's database, with an empty table `note`."""
    with (
        django_db_blocker.unblock(),
        registered("primary", databases(lonely_primary.url(), Path())["default"]) as alias,
    ):
        run(alias, "SET synchronous_commit = local")
        make_note_table(alias)
        run(alias, "SET synchronous_commit = on")
        yield alias


def cancel_the_one_that_waits(server: pg.Server) -> None:
    """Do what an operator, or a driver's `cancel`, does to a commit that hangs."""
    with server.connect() as observer:
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            if observer.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            ).fetchone():
                return
            time.sleep(0.02)


def test_control_the_driver_alone_reports_success_for_a_cancelled_wait(lonely_primary: pg.Server, primary: str) -> None:
    with psycopg.connect(host=str(lonely_primary.sockets), user="postgres", dbname="postgres") as plain:
        plain.execute("INSERT INTO note (text) VALUES ('on one server only')")
        cancelling = threading.Thread(target=cancel_the_one_that_waits, args=[lonely_primary])
        cancelling.start()
        plain.commit()
        cancelling.join()

    assert notes(primary) == ["on one server only"]


def test_a_cancelled_wait_for_the_standby_is_an_unknown_outcome(lonely_primary: pg.Server, primary: str) -> None:
    cancelling = threading.Thread(target=cancel_the_one_that_waits, args=[lonely_primary])
    with pytest.raises(UnknownOutcome, match="gave up waiting for its standby"), atomic(primary):
        note(primary, "on one server only")
        cancelling.start()
    cancelling.join()

    assert notes(primary) == ["on one server only"]


def test_so_it_is_for_a_statement_that_commits_itself(lonely_primary: pg.Server, primary: str) -> None:
    cancelling = threading.Thread(target=cancel_the_one_that_waits, args=[lonely_primary])
    cancelling.start()
    with pytest.raises(UnknownOutcome, match="gave up waiting for its standby"):
        note(primary, "on one server only")
    cancelling.join()


def test_a_commit_that_waits_for_the_standby_ends_at_the_deadline(primary: str) -> None:
    start = time.monotonic()
    with pytest.raises(UnknownOutcome, match="may or may not be stored"), ExitStack() as transactions:
        transactions.enter_context(atomic(primary))
        note(primary, "perhaps")
        run(primary, "SET LOCAL statement_timeout = 100")  # which the server does not apply to that wait
        with deadline(0.5):
            transactions.close()

    assert time.monotonic() - start < WAIT
