"""The connection of this thread and the driver behind it, where Django's own ways cost more than the database."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Optional

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

if TYPE_CHECKING:
    from raglan.core.db.sqlite.base import DatabaseWrapper

Value = str | int | bool | None
# Where Django keeps the connections of each thread; its way there goes through two lookups of names that are not there.
_of_threads: Any = getattr(vars(connections)["_connections"], "_storage", None)


class _Connections(ConnectionHandler):
    """Django's connections, of which a thread finds its own with one look; each transaction asks nine times."""

    def __getitem__(self, alias: str) -> BaseDatabaseWrapper:
        return getattr(_of_threads, alias, None) or super().__getitem__(alias)


if _of_threads is not None:
    connections.__class__ = _Connections


@cache
def is_postgresql() -> bool:
    """Tell which of the two databases this is; no process changes that, and Django looks it up each time."""
    return connection.vendor == "postgresql"


def of_thread(alias: str = DEFAULT_DB_ALIAS) -> Any:
    """Return this thread's connection to a database, which may not be open yet."""
    return getattr(_of_threads, alias, None) or connections[alias]


def ready() -> Any:
    """Return this thread's connection, open. Django's own name for it looks it up again for each thing asked of it."""
    own = of_thread()
    if own.connection is None:
        own.ensure_connection()
    return own


def rows_of(sql: str, given: Sequence[Value]) -> list[tuple[Any, ...]]:
    """Return what a statement with `?` for its values finds on SQLite, asked of the driver itself.

    Django's own cursor looks through the text of each statement and takes several times as long as a small answer.
    Where somebody listens to what Django asks, as tests do, it goes that way.
    """
    own = ready()
    if own.force_debug_cursor or own.execute_wrappers:
        with own.cursor() as cursor:
            cursor.execute(sql.replace("%", "%%").replace("?", "%s"), given)
            return list(cursor.fetchall())
    with own.wrap_database_errors:
        return list(own.connection.execute(sql, given))


def leave_checks_out() -> None:
    """Let this thread write without SQLite's CHECK constraints: for the one that writes what our own encoder made.

    Each column of JSON has one that parses its text once more, which for an alert takes as long as its indexes do.
    """
    own = _on_sqlite()
    if own is not None:
        own.leave_checks_out()


def keep_many_pages() -> None:
    """Let this thread's connection hold 8 MiB of pages on SQLite, for one that changes thousands in a transaction.

    What does not fit is written before the commit, and again when it is changed once more.
    """
    own = _on_sqlite()
    if own is not None:
        own.keep_many_pages()


def _on_sqlite() -> Optional["DatabaseWrapper"]:
    from raglan.core.db.sqlite.base import DatabaseWrapper  # PostgreSQL does without

    own = connections[DEFAULT_DB_ALIAS]
    return own if isinstance(own, DatabaseWrapper) else None
