"""Tells whether anything was written since a moment, so that what was read then may be used again.

Of the whole database SQLite tells it by itself; of single matters their events do, since every change has one.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from functools import cache

from raglan.core.db.bulk import NO_KEY, is_postgresql, ready, rows_of
from raglan.core.db.raw import of_thread

Mark = tuple[object, int, int]
MANY = 100  # newer events: as many rows take as long as one look into the index for each of forty kinds


def mark() -> Mark | None:
    """Return what changes with every write to the database but those that this transaction has done so far.

    Taken at the end of a transaction and found equal at the start of a later one, it means that nobody has written in
    between: SQLite counts the commits of others (`data_version`) and our own changed rows (`total_changes`).
    None, which says nothing, on PostgreSQL.
    """
    if is_postgresql():
        return None
    own = ready()
    raw = own.connection
    with own.wrap_database_errors:
        (version,) = raw.execute("PRAGMA data_version").fetchone()
    return raw, int(version), int(raw.total_changes)


def newest(kinds: Sequence[str], *, since: int | None) -> tuple[int | None, bool]:
    """Return the id of the newest event, and whether none of these kinds was told after an event that was the newest.

    The id is None, which says nothing, on PostgreSQL, where a higher id may be committed before a lower one.
    """
    if is_postgresql():
        return None, False
    beyond = NO_KEY if since is None else since
    own = ready()
    with own.wrap_database_errors:
        last, is_told = own.connection.execute(_newest(len(kinds)), [beyond, *kinds]).fetchone()
    return last or 0, since is not None and (last or 0) >= since and not is_told


def tell_here(kinds: Iterable[str]) -> None:
    """Note which kinds of events this transaction tells."""
    if not is_postgresql():
        of_thread().told_kinds.update(kinds)


def told_here() -> Set[str] | None:
    """Return which kinds of events this transaction has told; None on PostgreSQL and outside of one."""
    if is_postgresql():
        return None
    own = of_thread()
    return own.told_kinds if own.in_atomic_block else None


def look_once(look: Callable[[], None]) -> None:
    """Call `look` unless that was done in this transaction, on SQLite."""
    own = of_thread()
    if not own.has_looked:
        look()
        own.has_looked = True


def newer(since: int) -> tuple[int, set[str]] | None:
    """Return the id of the newest event on SQLite, and the kinds of those that are newer than one, when these are few.

    None where they are many, and where that one is not there: then it is no place to begin at.
    """
    rows = rows_of(f"SELECT id, kind FROM core_event NOT INDEXED WHERE id >= ? ORDER BY id LIMIT {MANY + 2}", [since])  # noqa: S608
    if not rows or rows[0][0] != since or len(rows) > MANY + 1:
        return None
    return int(rows[-1][0]), {kind for _, kind in rows[1:]}


@cache
def _newest(kinds: int) -> str:
    """A few newer rows are read sooner than the index for each kind; of many none is read."""
    marks = ", ".join(f"?{place}" for place in range(2, kinds + 2))
    some = f"SELECT 1 FROM core_event {{}} WHERE id > ?1 AND kind IN ({marks})"  # noqa: S608 -- marks only
    by_kind, by_row = some.format("INDEXED BY event_kind"), some.format("NOT INDEXED")
    is_told = f"CASE WHEN last - ?1 > {MANY} THEN EXISTS ({by_kind}) ELSE EXISTS ({by_row}) END"
    return f"SELECT last, {is_told} FROM (SELECT max(id) AS last FROM core_event)"  # noqa: S608 -- marks only
