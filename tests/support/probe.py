"""A database beside the suite's own, which a test may freeze, crash and lock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connections
from django.db.utils import ConnectionHandler

Database = dict[str, object]


@contextmanager
def registered(alias: str, database: Database) -> Iterator[str]:
    """Make a database known to Django under an alias for the length of a block."""
    connections.databases[alias] = ConnectionHandler({"default": database}).databases["default"]
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]


def run(alias: str, query: str, *values: str | float) -> list[tuple[object, ...]]:
    """Run one statement and give its rows."""
    with connections[alias].cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []


def make_note_table(alias: str) -> None:
    """Make an empty table `note(id, text)` on PostgreSQL.

    A test before this one may have hung up on a statement that still holds the old one.
    """
    run(
        alias,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    run(alias, "DROP TABLE IF EXISTS note")
    run(alias, "CREATE TABLE note (id SERIAL PRIMARY KEY, text TEXT)")


def note(alias: str, text: str) -> None:
    """Write one row."""
    run(alias, "INSERT INTO note (text) VALUES (%s)", text)


def notes(alias: str) -> list[str]:
    """Read all rows in the order of writing."""
    return [str(row[0]) for row in run(alias, "SELECT text FROM note ORDER BY id")]


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    """Read a SQLite file without Django."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()
