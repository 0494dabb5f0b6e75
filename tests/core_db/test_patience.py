"""Whoever changes a table of PostgreSQL keeps the others from it for a moment only, however long it has to wait."""

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


@pytest.fixture
def nodes(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str, str]]:
    """Three nodes on one database: one that changes tables, one that has one in use, and one that writes."""
    monkeypatch.setattr(patience, "LOCK_WITHIN_MS", 50)
    database = databases(pg.database_url("patience"), tmp_path)["default"]
    with (
        django_db_blocker.unblock(),
        registered("changes", database) as changes,
        registered("uses", dict(database)) as uses,
        registered("writes", dict(database)) as writes,
    ):
        make_note_table(changes)
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

    assert waits[0] == ("1s",)
