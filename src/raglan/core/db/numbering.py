"""Keys of new rows, taken before the rows are stored, so that rows may name each other.

On SQLite they come from its own counters, of which each table with growing keys has one.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from django.db import connection, models

from raglan.core.db.raw import is_postgresql, ready
from raglan.core.db.transactions import atomic

COUNT_ON = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ? RETURNING seq"


def take_keys(model: type[models.Model], count: int) -> list[int]:
    """Return so many growing keys that nobody else will get; those left unused are gaps."""
    if count <= 0:
        return []
    if is_postgresql():
        return _from_sequence(model, count)
    return _from_counter(model._meta.db_table, count)


def _from_sequence(model: type[models.Model], count: int) -> list[int]:
    sql = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    with connection.cursor() as cursor:
        cursor.execute(sql, [model._meta.db_table, count])
        return [int(row[0]) for row in cursor.fetchall()]


def _from_counter(table: str, count: int) -> list[int]:
    """Move SQLite's own counter; we hold the only write transaction, so nobody stands between reading and writing."""
    own = ready()
    kept: list[int] | None = own.reserved_keys.get(table)
    if kept:
        taken, own.reserved_keys[table] = kept[:count], kept[count:]
        return taken if len(taken) == count else taken + _from_counter(table, count - len(taken))
    with own.wrap_database_errors:
        row = own.connection.execute(COUNT_ON, [count, table]).fetchone()
    last = int(row[0]) if row is not None else _first_of(table, count)
    return list(range(last - count + 1, last + 1))


def _first_of(table: str, count: int) -> int:
    """Begin the counter of a table in which nothing was ever stored; return the last of so many keys."""
    own = ready()
    name = own.ops.quote_name(table)
    with own.wrap_database_errors:
        ask = own.connection.execute
        row = ask(f"SELECT COALESCE(MAX(id), 0) + ? FROM {name}", [count]).fetchone()  # noqa: S608 -- a quoted name
        ask("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, row[0]])
    return int(row[0])


def reserve_keys(counts: Mapping[type[models.Model], int]) -> None:
    """Take keys of several tables with one statement on SQLite, for `take_keys` later in this transaction.

    What is left at its end are gaps. Does nothing outside of a transaction, whose end gives up what is left.
    """
    if is_postgresql():
        return
    own = ready()
    if not own.in_atomic_block:
        return
    named = {model._meta.db_table: count for model, count in counts.items()}
    wanted = {table: count for table, count in named.items() if count > 0 and not own.reserved_keys.get(table)}
    if not wanted:
        return
    values = [value for pair in wanted.items() for value in pair]
    with own.wrap_database_errors:
        found = own.connection.execute(_counting(len(wanted)), [*values, *wanted]).fetchall()
    own.reserved_keys.update((table, list(range(last - wanted[table] + 1, last + 1))) for table, last in found)


@cache
def _counting(tables: int) -> str:
    cases = " ".join(["WHEN ? THEN ?"] * tables)
    marks = ", ".join("?" * tables)
    return f"UPDATE sqlite_sequence SET seq = seq + CASE name {cases} END WHERE name IN ({marks}) RETURNING name, seq"  # noqa: S608


@atomic
def put_first(tables: Sequence[type[models.Model]]) -> None:
    """Let SQLite find the counters of some tables before all others.

    It looks for a table's counter once a row, from the first one on: behind those of sixty tables that takes as long
    as storing a small row. Does nothing where they stand so already.
    """
    if is_postgresql():
        return
    wanted = [model._meta.db_table for model in tables]
    own = ready()
    with own.wrap_database_errors:
        ask = own.connection.execute
        counted = dict(ask("SELECT name, seq FROM sqlite_sequence ORDER BY rowid").fetchall())
        for table in wanted:
            if table not in counted:
                last = ask(f"SELECT COALESCE(MAX(id), 0) FROM {own.ops.quote_name(table)}")  # noqa: S608 -- a quoted name
                (counted[table],) = last.fetchone()
        ordered = {name: counted[name] for name in (*wanted, *counted)}
        if list(ordered) != list(counted):
            ask("DELETE FROM sqlite_sequence")
            own.connection.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", ordered.items())
