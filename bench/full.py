"""Much that is open and much that is over: memory at 100,000 open alerts, and new alerts beside 1,000,000 closed ones.

Memory is compared with a real Alertmanager that was sent the same. The closed alerts are copies of open ones, made in
the database itself; what is new after them is compared with what was new before, on the same server.
"""

import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bench import intake, load, peer
from bench.floor import Floor
from bench.ground import Figure, running, set_up

OPEN = 100_000
CLOSED = 1_000_000
CHUNK = 50_000
ROUNDS = 3
SHARE = 0.75
GROWS = 1.25  # what is within the noise of a shared machine
NEW = intake.CASES[0]


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Fill both sides with open alerts, then raglan with closed ones."""
    if not peer.is_here():
        return [Figure("full: prometheus-alertmanager is not installed", 0, "")]
    with ExitStack() as ended:
        ours = ended.enter_context(running(folder / "raglan"))
        pid, port = ended.enter_context(peer.alertmanager(folder / "peer"))
        path = set_up(ours.client, group_by=[])
        sides = (
            intake.Side("raglan", ours.pid, ours.port, path),
            intake.Side("Alertmanager", pid, port, "/api/v2/alerts"),
        )
        intake.warm_up(sides)
        before = _new(sides[0], "before")
        memory = [_filled(side) for side in sides]
        many = _new(sides[0], "many")
        _close_many(folder / "raglan" / "data" / "raglan.sqlite3")
        after = _new(sides[0], "after")
    grown, closed = _ratio(many, before), _ratio(after, many)
    beside = f"{memory[0]:.0f} MiB to {memory[1]:.0f} of Alertmanager"
    return [
        Figure(f"memory at {OPEN:,} open alerts", memory[0] / memory[1], "×", SHARE, beside),
        Figure(f"CPU of a new alert, {OPEN:,} open", grown, "×", GROWS, f"of {_cpu(before):.0f} µs before"),
        Figure(f"CPU of a new alert, {CLOSED:,} closed", closed, "×", GROWS, f"of {_cpu(many):.0f} µs before"),
        Figure(f"new alerts a second, {CLOSED:,} closed", _rate(after), "/s", None, f"{_rate(many):.0f}/s before"),
    ]


def _new(side: intake.Side, name: str) -> list[intake.Found]:
    """Take new alerts some times; Alertmanager's are not needed here."""
    rounds = [f"{name}-{number}-{time.monotonic_ns()}" for number in range(ROUNDS)]
    return [side.take(NEW, list(intake.rendered(side, NEW, run, NEW.alerts))) for run in rounds]


def _filled(side: intake.Side) -> float:
    """Open the alerts on one side; return its memory in MiB."""
    for first in range(0, OPEN, 10_000):
        run = f"open-{first}-{time.monotonic_ns()}"
        requests = list(intake.rendered(side, NEW, run, 10_000))
        load.Loop(side.port, requests, NEW.connections).run().check(len(requests))
    time.sleep(intake.CALM_S)
    return load.memory_mib(side.pid)


def _close_many(path: Path) -> None:
    """Copy open alerts as closed ones of one closed group, with fingerprints of their own."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as database:
        database.execute("PRAGMA synchronous = NORMAL")
        group = _copied(database, "alerts_alertgroup", 1, {"state": "'closed'", "key": "lower(hex(randomblob(32)))"})
        own = {"state": "'resolved'", "fingerprint": "lower(hex(randomblob(32)))", "ends_at": "last_seen_at"}
        for _ in range(0, CLOSED, CHUNK):
            _copied(database, "alerts_alert", CHUNK, {**own, "group_id": str(group)})
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copied(database: sqlite3.Connection, table: str, count: int, own: dict[str, str]) -> int:
    """Copy rows with some columns changed; return the last key."""
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
    columns, values = ", ".join(names), ", ".join(own.get(name, name) for name in names)
    made = database.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} LIMIT ?", [count])
    return int(made.lastrowid or 0)


def _ratio(later: Sequence[intake.Found], earlier: Sequence[intake.Found]) -> float:
    return _cpu(later) / _cpu(earlier)


def _cpu(rounds: Sequence[intake.Found]) -> float:
    return statistics.median(found.cpu_us for found in rounds)


def _rate(rounds: Sequence[intake.Found]) -> float:
    return statistics.median(found.rate for found in rounds)
