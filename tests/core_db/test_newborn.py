"""A new database that is made in one go is the one to which every migration, step by step, would have led."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from pytest_django.plugin import DjangoDbBlocker

from raglan.core.db import newborn
from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import registered, run

# Left out: the names of NOT NULL, which stand with the columns, and the key of one table that raglan does not use:
# Django itself makes it an integer in one way and a bigint in the other.
ON_POSTGRESQL = """
    SELECT 'column', table_name, column_name,
           concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default, is_identity)
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND (table_name, column_name) <> ('auth_group_permissions', 'id')
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype <> 'n'
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


@contextmanager
def empty(kind: str, name: str, folder: Path) -> Iterator[BaseDatabaseWrapper]:
    """An empty database of a kind."""
    url = pg.database_url(name) if kind == "postgresql" else ""
    with registered(name, databases(url, folder)["default"]) as alias:
        yield connections[alias]


def parts(statement: str) -> list[str]:
    """The columns and constraints of a CREATE TABLE, in no order; other statements as they are."""
    head, _, inside = statement.partition("(")
    if not head.startswith("CREATE TABLE"):
        return [statement]
    found, depth, begun = [], 0, 0
    for place, sign in enumerate(inside):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if (sign == "," and not depth) or depth < 0:
            found.append(re.sub(r"\s+", " ", inside[begun:place]).strip())
            begun = place + 1
    return [head, *sorted(found)]


def shape(connection: BaseDatabaseWrapper) -> set[tuple[object, ...]]:
    """Everything that a database has been told about its tables."""
    if connection.vendor == "postgresql":
        return {tuple(row) for row in run(connection.alias, ON_POSTGRESQL)}
    rows = run(connection.alias, "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name, table, *parts(str(statement))) for kind, name, table, statement in rows}


def filled(connection: BaseDatabaseWrapper) -> set[str]:
    """The tables that have rows."""
    tables = connection.introspection.table_names()
    return {table for table in tables if run(connection.alias, f'SELECT 1 FROM "{table}" LIMIT 1')}


def take_every_step(*taken: BaseDatabaseWrapper) -> None:
    """Bring databases up to date step by step as Django does, side by side.

    Drawing the models anew after each step is nearly all of the work, and is done once for all of them.
    """
    executor = MigrationExecutor(taken[0])
    recorders = [MigrationRecorder(connection) for connection in taken]
    for recorder in recorders:
        recorder.ensure_schema()
    state = ProjectState(real_apps=executor.loader.unmigrated_apps)
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        assert migration.atomic or all(
            isinstance(one, RunPython) for one in migration.operations
        )  # tables change whole
        with ExitStack() as stack:
            editors = [stack.enter_context(one.schema_editor(atomic=migration.atomic)) for one in taken]
            for operation in migration.operations:
                before = state.clone()
                operation.state_forwards(migration.app_label, state)
                for editor in editors:
                    operation.database_forwards(migration.app_label, editor, before, state)
        for recorder in recorders:
            recorder.record_applied(migration.app_label, migration.name)


@pytest.mark.timeout(300)
def test_both_ways_lead_to_the_same_tables(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), ExitStack() as stack:
        kinds = ("sqlite", "postgresql")
        for folder in ("steps", "new"):
            (tmp_path / folder).mkdir()
        by_steps = [stack.enter_context(empty(kind, f"steps_{kind}", tmp_path / "steps")) for kind in kinds]
        newborns = [stack.enter_context(empty(kind, f"new_{kind}", tmp_path / "new")) for kind in kinds]
        take_every_step(*by_steps)
        for steps, new in zip(by_steps, newborns, strict=True):
            newborn.make(new)
            assert steps.vendor == new.vendor
            assert shape(steps) == shape(new)
            recorded = MigrationRecorder(new).applied_migrations().keys()
            assert recorded == MigrationRecorder(steps).applied_migrations().keys()
            assert filled(steps) == {"django_migrations"}  # else a new database would lack what a migration puts in


def test_what_failed_half_way_left_nothing(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = newborn._models()
    monkeypatch.setattr(newborn, "_models", lambda: [*models, models[0]])  # the last one is there already
    with django_db_blocker.unblock(), empty("sqlite", "newborn", tmp_path) as new:
        with pytest.raises(OperationalError, match="already exists"):
            newborn.make(new)
        assert newborn.is_empty(new)


def test_a_database_that_has_anything_is_brought_up_to_date_step_by_step(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    monkeypatch.setattr(newborn, "make", taken.append)
    monkeypatch.setattr("raglan.core.management.commands.migrate.emit_post_migrate_signal", lambda *given: None)
    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", lambda self, **options: None)
    with django_db_blocker.unblock(), empty("sqlite", "newborn", tmp_path) as new:
        run(new.alias, "CREATE TABLE anything (id INTEGER PRIMARY KEY)")
        call_command("migrate", database=new.alias)
        assert taken == []
        run(new.alias, "DROP TABLE anything")
        call_command("migrate", database=new.alias)
        assert taken == [new]
