"""A migration of hot tables holds one table, with one lock: nodes of an older version go on writing all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections, migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from pytest_django.plugin import DjangoDbBlocker

from raglan.core.db import newborn
from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import registered, run

HOT = {
    "0013_page_without_taker": ("paging_page", "AccessExclusiveLock"),
    "0014_reached_by_one_index": ("paging_reached", "AccessExclusiveLock"),
    "0015_messages_to_one_person": ("paging_notification", "ShareLock"),
    "0016_fewer_indexes_of_messages": ("paging_notification", "AccessExclusiveLock"),
}
# Those that keep others from writing. One that grows on the way counts twice: it waits for whom it already keeps out.
HELD = """
    SELECT relname, mode FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE pid = pg_backend_pid() AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
        AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    ORDER BY relname, mode
"""


@pytest.fixture
def new(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """A new database on PostgreSQL, with all tables."""
    database = databases(pg.database_url("locks_of_migrations"), tmp_path)["default"]
    with django_db_blocker.unblock(), registered("locks", database) as alias:
        newborn.make(connections[alias])
        yield connections[alias]


def test_it_holds_one_table_with_one_lock(new: BaseDatabaseWrapper) -> None:
    loader = MigrationExecutor(new).loader

    def taken(name: str) -> tuple[migrations.Migration, object]:
        key = ("paging", name)
        return loader.get_migration(*key), loader.project_state([key], at_end=False)

    for name in reversed(HOT):
        migration, before = taken(name)
        with new.schema_editor() as editor:
            migration.unapply(before, editor)
    held = {}
    for name in HOT:
        migration, before = taken(name)
        with new.schema_editor() as editor:
            migration.apply(before, editor)
            for statement in editor.deferred_sql:
                editor.execute(statement)
            editor.deferred_sql.clear()
            held[name] = run(new.alias, HELD)

    assert held == {name: [lock] for name, lock in HOT.items()}
