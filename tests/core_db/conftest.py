"""Databases of their own for these tests, beside the suite's: they freeze, crash and lock them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import registered, run


@pytest.fixture
def sqlite(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Alias of a fresh SQLite file with one table, `note(id, text)`."""
    with django_db_blocker.unblock(), registered("probe", databases("", tmp_path)["default"]) as alias:
        run(alias, "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
        yield alias


@pytest.fixture
def postgresql(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Alias of a PostgreSQL database with one empty table, `note(id, text)`."""
    database = databases(pg.database_url("probe"), Path())["default"]
    with django_db_blocker.unblock(), registered("probe", database) as alias:
        # A test before this one may have hung up on a statement that still holds the table.
        run(
            alias,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        run(alias, "DROP TABLE IF EXISTS note")
        run(alias, "CREATE TABLE note (id SERIAL PRIMARY KEY, text TEXT)")
        yield alias
