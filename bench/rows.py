"""What the rows cost by themselves: those that raglan wrote under a load, stored again with nothing else around.

A copy of the database takes the same rows, into the same tables and indexes, in as many commits, each with its sync.
What a row was changed to later is stored at once, and what was deleted since is not stored at all, nor are foreign
keys looked at: it is a floor. No code above the database can make a load of these rows cheaper than this.
"""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 2000", "cache_size = -8192")
CHECKS = "ignore_check_constraints = ON"  # as the journal's own connection has it
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


@dataclass(frozen=True, slots=True)
class Alone:
    """Seconds of the processor and of the clock."""

    cpu_s: float
    wall_s: float
    rows: int


class Rows:
    """What comes into a database after this was made."""

    def __init__(self, database: Path, copy: Path) -> None:
        self._database, self._copy = database, copy
        with closing(_reading(database)) as live, closing(sqlite3.connect(copy)) as taken:
            live.backup(taken)
            self._last = {table: _last_of(live, table) for (table,) in live.execute(TABLES).fetchall()}

    def alone(self, commits: int) -> Alone:
        """Store what has come since in the copy, in so many commits."""
        with closing(_reading(self._database)) as live:
            came = {table: _newer(live, table, last) for table, last in self._last.items()}
        came = {table: rows for table, rows in came.items() if rows}
        with closing(sqlite3.connect(self._copy, isolation_level=None)) as copy:
            for pragma in (*PRAGMAS, CHECKS):
                copy.execute(f"PRAGMA {pragma}")
            into = {table: _inserting(table, len(rows[0])) for table, rows in came.items()}
            began, used = time.perf_counter(), time.thread_time()
            for number in range(commits):
                copy.execute("BEGIN IMMEDIATE")
                for table, rows in came.items():
                    copy.executemany(
                        into[table], rows[len(rows) * number // commits : len(rows) * (number + 1) // commits]
                    )
                copy.execute("COMMIT")
            return Alone(time.thread_time() - used, time.perf_counter() - began, sum(map(len, came.values())))


def database_of(folder: Path) -> Path:
    """Return the database of a server that serves from a folder."""
    return next(folder.rglob("raglan.sqlite3"))


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _last_of(live: sqlite3.Connection, table: str) -> int:
    try:
        row = live.execute(f'SELECT max(rowid) FROM "{table}"').fetchone()
    except sqlite3.OperationalError:  # a table without ids
        return 2**63 - 1
    return int(row[0] or 0)


def _newer(live: sqlite3.Connection, table: str, last: int) -> Sequence[tuple[object, ...]]:
    if last == 2**63 - 1:
        return ()
    return live.execute(f'SELECT * FROM "{table}" WHERE rowid > ? ORDER BY rowid', [last]).fetchall()


def _inserting(table: str, width: int) -> str:
    return f'INSERT INTO "{table}" VALUES ({", ".join("?" * width)})'
