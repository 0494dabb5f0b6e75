"""Django's SQLite, set to keep what it acknowledges and to let writers queue inside the process."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from raglan.core.db.sqlite.creation import DatabaseCreation
from raglan.core.db.writing import write_lock

TIMEOUT_SECONDS = 20

# NORMAL loses acknowledged rows when the power fails; FULL costs one fsync for each commit and loses none.
PRAGMAS = (
    f"PRAGMA busy_timeout = {TIMEOUT_SECONDS * 1000}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 2000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -2048",  # KiB: each thread has a connection, and each commit of another one empties it
    # A read error on a mapped page is a signal that ends the process; on a plain read it is an error that we report.
    "PRAGMA mmap_size = 0",
)
NO_CHECKS = "PRAGMA ignore_check_constraints = ON"
MANY_PAGES = "PRAGMA cache_size = -8192"
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
BUSY = "database is locked: another thread of this process has been writing too long"


@contextmanager
def _alone() -> Iterator[None]:
    if not write_lock.acquire(timeout=TIMEOUT_SECONDS):
        raise sqlite3.OperationalError(BUSY)
    try:
        yield
    finally:
        write_lock.release()


class Cursor(base.SQLiteCursorWrapper):
    """A cursor whose statement holds the write lock where it is a transaction by itself.

    Then a commit and the checkpoint that may follow it are over before another thread of this process commits. SQLite
    before 3.51.3 may lose commits when one thread begins a checkpoint while another one starts the log anew. Where a
    statement returns rows, it commits when the last of them is read: they are read under the lock, and kept.
    """

    _kept: list[Any] | None = None  # rows that were read under the lock, the last one first

    def execute(self, query: str, params: Any = None) -> Any:
        """Run one statement."""
        self._kept = None
        if self.connection.in_transaction or not _writes(query):
            return super().execute(query, params)
        with _alone():
            ran = super().execute(query, params)
            if self.description is not None:
                self._kept = super().fetchall()[::-1]
            return ran

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        """Run one statement for each of many values."""
        self._kept = None
        if self.connection.in_transaction or not _writes(query):
            return super().executemany(query, param_list)
        with _alone():
            return super().executemany(query, param_list)

    def fetchone(self) -> Any:
        """Return the next row, None behind the last."""
        if self._kept is None:
            return super().fetchone()
        return self._kept.pop() if self._kept else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, at most so many."""
        wanted = self.arraysize if size is None else size
        if self._kept is None:
            return super().fetchmany(wanted)
        return [self._kept.pop() for _ in range(min(wanted, len(self._kept)))]

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        if self._kept is None:
            return super().fetchall()
        return self.fetchmany(len(self._kept))


def _writes(query: str) -> bool:
    return query.lstrip()[:7].upper().startswith(WRITES)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions begin IMMEDIATE and hold the process's write lock until they end."""

    creation_class = DatabaseCreation
    transaction_mode: str | None
    init_commands: list[str]
    _holds_write_lock = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.reserved_keys: dict[str, list[int]] = {}  # by table; for this transaction only, see `core.db.bulk`
        self.told_kinds: set[str] = set()  # of events, in this transaction; see `core.db.quiet`
        self.has_looked = False
        self._also: list[str] = []  # pragmas of this thread's connections only

    def get_connection_params(self) -> dict[str, object]:
        """Give the parameters of Django with our timeout and transaction mode unless the settings say otherwise."""
        params: dict[str, object] = super().get_connection_params()
        params.setdefault("timeout", TIMEOUT_SECONDS)
        self.transaction_mode = self.transaction_mode or "IMMEDIATE"
        return params

    def get_new_connection(self, conn_params: dict[str, object]) -> Connection:
        """Open the file and set the pragmas, then those of the settings' own `init_command`."""
        init_commands, self.init_commands = self.init_commands, []
        connection: Connection = super().get_new_connection(conn_params)
        for pragma in (*PRAGMAS, *(command.strip() for command in init_commands)):
            connection.execute(pragma)
        for pragma in self._also:
            connection.execute(pragma)
        return connection

    def create_cursor(self, name: str | None = None) -> Cursor:
        """Return a cursor of ours."""
        made: Cursor = self.connection.cursor(factory=Cursor)
        return made

    def leave_checks_out(self) -> None:
        """Let this thread's statements do without CHECK constraints; see `core.db.bulk`."""
        self._be_told(NO_CHECKS)

    def keep_many_pages(self) -> None:
        """Let this thread change many pages in one transaction before they are written; see `core.db.raw`."""
        self._be_told(MANY_PAGES)

    def _be_told(self, pragma: str) -> None:
        if pragma not in self._also:
            self._also.append(pragma)
        if self.connection is not None:
            self.connection.execute(pragma)

    def _start_transaction_under_autocommit(self) -> None:
        if not write_lock.acquire(timeout=TIMEOUT_SECONDS):
            raise OperationalError(BUSY)
        self._holds_write_lock = True
        self.reserved_keys, self.told_kinds, self.has_looked = {}, set(), False
        try:
            self._begin()
        except BaseException:
            self._release_write_lock()
            raise

    def _begin(self) -> None:
        """Begin by the driver itself, unless somebody listens: a cursor of Django's takes as long as the database."""
        if self.force_debug_cursor or self.execute_wrappers:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # a hook that the stubs leave out
            return
        with self.wrap_database_errors:
            self.connection.execute(f"BEGIN {self.transaction_mode}")

    def _savepoint_rollback(self, sid: str) -> None:
        self.reserved_keys = {}  # the counters are taken back, too
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # a hook that the stubs leave out

    def _commit(self) -> None:
        self.reserved_keys = {}
        super()._commit()  # type: ignore[misc]  # a hook that the stubs leave out
        self._release_write_lock()

    def _rollback(self) -> None:
        self.reserved_keys = {}
        try:
            super()._rollback()  # type: ignore[misc]  # a hook that the stubs leave out
        finally:
            self._release_write_lock()

    def _close(self) -> None:
        self.reserved_keys = {}
        try:
            super()._close()  # type: ignore[misc]  # a hook that the stubs leave out
        finally:
            self._release_write_lock()

    def _release_write_lock(self) -> None:
        """Give the lock back where the transaction ends, so that callbacks after the commit run without it."""
        if self._holds_write_lock:
            self._holds_write_lock = False
            write_lock.release()
