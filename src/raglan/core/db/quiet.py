"""Tells whether anything was written since a moment, so that what was read then may be used again.

Of the whole database SQLite tells it by itself; of single matters their events do, since every change has one.
"""

from collections.abc import Sequence

from raglan.core.db.bulk import is_postgresql, ready

Mark = tuple[object, int, int]


def mark() -> Mark | None:
    """Return what changes with every write to the database but those that this transaction has done so far.

    Taken at the end of a transaction and found equal at the start of a later one, it means that nobody has written in
    between: SQLite counts the commits of others (`data_version`) and our own changed rows (`total_changes`).
    None, which says nothing, on PostgreSQL.
    """
    if is_postgresql():
        return None
    raw = ready().connection
    (version,) = raw.execute("PRAGMA data_version").fetchone()
    return raw, int(version), int(raw.total_changes)


def newest(kinds: Sequence[str], *, since: int | None) -> tuple[int | None, bool]:
    """Return the id of the newest event, and whether none of these kinds was told after an event that was the newest.

    The id is None, which says nothing, on PostgreSQL, where a higher id may be committed before a lower one.
    """
    if is_postgresql():
        return None, False
    ask = ready().connection.execute
    (last,) = ask("SELECT max(id) FROM core_event").fetchone()
    if since is None or (last or 0) < since:
        return last or 0, False
    told = f"SELECT 1 FROM core_event NOT INDEXED WHERE id > ? AND kind IN ({', '.join('?' * len(kinds))}) LIMIT 1"  # noqa: S608
    return last or 0, ask(told, [since, *kinds]).fetchone() is None


def stamp(kinds: Sequence[str]) -> int | None:
    """Return what changes with every event of these kinds: the id of the newest one, 0 when there is none.

    None, which says nothing, on PostgreSQL, where a higher id may be committed before a lower one.
    """
    if is_postgresql():
        return None
    newest_of = "(SELECT max(id) FROM core_event WHERE kind = ?)"  # one step in the index for each kind
    row = ready().connection.execute(f"SELECT {', '.join([newest_of] * len(kinds))}", list(kinds)).fetchone()
    return max((int(found) for found in row if found is not None), default=0)
