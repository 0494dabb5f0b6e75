"""Tells whether anything was written since a moment, so that what was read then may be used again."""

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
