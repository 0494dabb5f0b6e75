"""Tells whether anything was written since a moment, so that what was read then may be used again.

Of the whole database SQLite tells it by itself; of single matters their events do, since every change has one.
"""

from collections.abc import Sequence

from django.db import connection

Mark = tuple[object, int, int]


def mark() -> Mark | None:
    """Return what changes with every write to the database but those that this transaction has done so far.

    Taken at the end of a transaction and found equal at the start of a later one, it means that nobody has written in
    between: SQLite counts the commits of others (`data_version`) and our own changed rows (`total_changes`).
    None, which says nothing, on PostgreSQL.
    """
    if connection.vendor != "sqlite":
        return None
    connection.ensure_connection()
    raw = connection.connection
    (version,) = raw.execute("PRAGMA data_version").fetchone()
    return raw, int(version), int(raw.total_changes)


def stamp(kinds: Sequence[str]) -> int | None:
    """Return what changes with every event of these kinds: the id of the newest one, 0 when there is none.

    None, which says nothing, on PostgreSQL, where a higher id may be committed before a lower one.
    """
    if connection.vendor != "sqlite":
        return None
    connection.ensure_connection()
    newest = "(SELECT max(id) FROM core_event WHERE kind = ?)"  # one step in the index for each kind
    row = connection.connection.execute(f"SELECT {', '.join([newest] * len(kinds))}", list(kinds)).fetchone()
    return max((int(found) for found in row if found is not None), default=0)
