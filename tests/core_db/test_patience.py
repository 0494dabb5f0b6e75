"""Whoever changes a table of PostgreSQL keeps the others from it for a moment only, however long it has to wait."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError, ProgrammingError, connection, connections
from pytest_django.plugin import DjangoDbBlocker

from raglan.core.db import patience
from raglan.core.db.settings import databases
from raglan.edge import startup
from tests.support import pg
from tests.support.probe import make_note_table, note, notes, registered, run

CHANGE = "ALTER TABLE note ADD COLUMN more TEXT"
IN_USE = "SELECT count(*) FROM note"  # inside a transaction that goes on
IN_A_CIRCLE = "DO $$ BEGIN\n  RAISE 'deadlock detected' USING ERRCODE = '40P01';\nEND $$"
IS_VACUUMED = """
SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = 'note'::regclass AND granted AND backend_type = 'autovacuum worker'
"""
VACUUMS_SLOWLY = {  # one page in a tenth of a second
    "autovacuum": "on",
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_cost_delay": "100ms",
    "autovacuum_vacuum_cost_limit": "1",
}


@pytest.fixture
def nodes(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str, str]]:
    """Three nodes on one database: one that changes tables, one that has one in use, and one that writes."""
    monkeypatch.setattr(patience, "LONGER_MS", 30)
    database = databases(pg.database_url("patience"), tmp_path)["default"]
    with (
        django_db_blocker.unblock(),
        registered("changes", database) as changes,
        registered("uses", dict(database)) as uses,
        registered("writes", dict(database)) as writes,
    ):
        make_note_table(changes)
        run(changes, "SET deadlock_timeout = 20")
        connections[uses].set_autocommit(False)
        run(uses, IN_USE)
        yield changes, uses, writes
        connections[uses].rollback()


def test_the_others_go_on_while_a_table_is_in_use_and_then_it_is_changed(nodes: tuple[str, str, str]) -> None:
    changes, uses, writes = nodes
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        run(writes, "SET lock_timeout = 5000")
        note(writes, f"page {len(pauses)}")  # whoever waited for the table would keep this out
        if len(pauses) == 2:
            connections[uses].rollback()

    patience.by_turns(connections[changes], lambda: run(changes, CHANGE), sleep=pause)

    assert pauses == [patience.PAUSE_S] * 2
    assert notes(writes) == ["page 1", "page 2"]
    assert run(changes, "SELECT more FROM note ORDER BY id") == [(None,), (None,)]
    assert run(changes, "SHOW lock_timeout") == [("0",)]


def test_what_waits_for_too_long_is_given_up(nodes: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    changes, _, _ = nodes
    monkeypatch.setattr(patience, "PATIENCE_S", 0.0)

    with pytest.raises(OperationalError, match="lock timeout"):
        patience.by_turns(connections[changes], lambda: run(changes, CHANGE), sleep=lambda _: pytest.fail("no pause"))

    assert run(changes, "SHOW lock_timeout") == [("0",)]


def test_what_is_done_between_two_waits_is_no_waiting(
    nodes: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, _, _ = nodes
    monkeypatch.setattr(patience, "PATIENCE_S", 5.0)
    pauses: list[float] = []

    with pytest.raises(OperationalError, match="lock timeout"):
        patience.by_turns(connections[changes], lambda: run(changes, CHANGE), sleep=pauses.append)

    assert pauses == [patience.PAUSE_S] * 2  # each refusal is a pause and 50 ms, however long the test itself took


def test_who_stands_in_a_circle_with_others_tries_again_and_the_log_says_with_what(
    nodes: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    changes, uses, _ = nodes
    connections[uses].rollback()
    caplog.set_level("WARNING", "raglan.db")
    pauses: list[float] = []

    patience.by_turns(
        connections[changes], lambda: run(changes, CHANGE if pauses else IN_A_CIRCLE), sleep=pauses.append
    )

    assert pauses == [patience.PAUSE_S]
    assert run(changes, "SELECT more FROM note") == []
    assert [getattr(record, "statement", "") for record in caplog.records] == [" ".join(IN_A_CIRCLE.split())]


def test_an_autovacuum_is_ended_by_the_first_wait(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    server = pg.Server(VACUUMS_SLOWLY)
    try:
        with server.connect() as owner:
            owner.execute("CREATE TABLE note AS SELECT repeat('x', 500) AS text FROM generate_series(1, 5000)")
            owner.execute("DELETE FROM note WHERE ctid < '(150, 0)'")
        with (
            django_db_blocker.unblock(),
            registered("changes", databases(server.url(), tmp_path)["default"]) as changes,
        ):
            end = time.monotonic() + 60
            while not run(changes, IS_VACUUMED) and time.monotonic() < end:
                time.sleep(0.05)
            assert run(changes, IS_VACUUMED)

            patience.by_turns(
                connections[changes], lambda: run(changes, CHANGE), sleep=lambda _: pytest.fail("it was in the way")
            )
    finally:
        server.stop()


def test_any_other_error_is_told_at_once(nodes: tuple[str, str, str]) -> None:
    changes, _, _ = nodes

    with pytest.raises(ProgrammingError):
        patience.by_turns(
            connections[changes], lambda: run(changes, "ALTER TABLE none"), sleep=lambda _: pytest.fail("no pause")
        )


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one process only")
def test_migrations_are_applied_so(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[object] = []

    def migrate(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            waits.append(cursor.execute("SHOW lock_timeout").fetchone())

    monkeypatch.setattr(startup, "pending", lambda: 1)
    monkeypatch.setattr(startup, "call_command", migrate)

    assert startup.bring_up_to_date() == 1

    assert waits[0] == ("1500ms",)
