"""Databases of their own for these tests, beside the suite's: they freeze, crash and lock them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import make_note_table, registered, run


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
        make_note_table(alias)
        yield alias
