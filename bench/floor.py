"""What the machine itself can do: a synced write, a durable commit, a mail handed over."""

import os
import smtplib
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.ground import Figure, Sink, percentile

ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Floor:
    """Medians in milliseconds."""

    sync_ms: float
    commit_ms: float
    mail_ms: float


def measure(folder: Path) -> Floor:
    """Measure all three in the folder where the servers will work."""
    with (folder / "append").open("wb", buffering=0) as file, closing(_database(folder)) as database:

        def append() -> None:
            file.write(b"x" * 512)
            os.fdatasync(file.fileno())

        def commit() -> None:
            with database:
                database.execute("INSERT INTO row (body) VALUES (?)", ["x" * 512])

        sync_ms, commit_ms = _median(append), _median(commit)
    with Sink() as sink:
        mail_ms = _median(lambda: _send(sink.port))
    return Floor(sync_ms, commit_ms, mail_ms)


def _database(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "floor.sqlite3")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT)")
    return database


def _send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        server.sendmail("a@example.test", ["b@example.test"], "Subject: floor\r\n\r\nfloor\r\n")


def _median(once: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        once()
        taken.append((time.perf_counter() - began) * 1000)
    return percentile(taken, 0.5)


def figures(ground: Floor) -> list[Figure]:
    """Say what the floor is."""
    return [
        Figure("floor: write and fdatasync, p50", ground.sync_ms, "ms"),
        Figure("floor: SQLite commit, WAL and FULL, p50", ground.commit_ms, "ms"),
        Figure("floor: one mail handed to the sink, p50", ground.mail_ms, "ms"),
    ]
