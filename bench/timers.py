"""100,000 timers due at once, beside the rows that the same disk takes in commits of 1,000.

Each timer is claimed, its thing gets its next state, and one row like a notification is written, in one transaction a
batch. The engine is the real one and wakes by itself: nobody tells it that the moment has come.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.floor import Floor
from bench.ground import Figure

TIMERS = 100_000
ROWS = 1_000
BODY = "x" * 600
ROUNDS = 3
SHARE = 0.3
LATEST_S = 1.0
STEPS = 300
WORKER = [sys.executable, "-m", "bench.timers"]
AHEAD = timedelta(seconds=2)
GIVE_UP_S = 120


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Run the rounds in a process of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith("RAGLAN_")}
    env |= {"RAGLAN_DATA_DIR": str(folder), "RAGLAN_CONFIG": str(folder / "none.toml"), "RAGLAN_SMTP_URL": ""}
    env |= {"DJANGO_SETTINGS_MODULE": "raglan.settings", "RAGLAN_LOG_LEVEL": "error"}
    ran = subprocess.run(WORKER, check=False, env=env, capture_output=True, text=True, timeout=900)
    if ran.returncode:
        raise SystemExit(ran.stderr[-2000:])
    found = json.loads(ran.stdout.splitlines()[-1])
    limit, took, late = (median(found[name]) for name in ("limit_s", "took_s", "late_s"))
    pairs = [limit / took for limit, took in zip(found["limit_s"], found["took_s"], strict=True)]
    share = f"{median(pairs):.2f} of the row limit ({min(pairs):.2f} to {max(pairs):.2f})"
    return [
        Figure(f"rows in commits of {ROWS}: {TIMERS}", limit, "s", None, f"{TIMERS / limit:,.0f} rows/s"),
        Figure(f"timers due at once: {TIMERS}", took, "s", round(limit / SHARE, 2), share),
        Figure("the latest of them was late by", late, "s", LATEST_S),
        Figure("escalation steps due at once, whole", found["steps"], "/s", None, f"{STEPS} pages, ORM and events"),
    ]


def rows(path: Path) -> float:
    """Return the seconds for as many plain rows in commits of 1,000, with the same pragmas."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            database.execute(f"PRAGMA {pragma}")
        database.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, thing INTEGER, at REAL, body TEXT)")
        began = time.perf_counter()
        for _ in range(TIMERS // ROWS):
            database.execute("BEGIN IMMEDIATE")
            many = [(number, 1.0, BODY) for number in range(ROWS)]
            database.executemany("INSERT INTO row (thing, at, body) VALUES (?, ?, ?)", many)
            database.execute("COMMIT")
        return time.perf_counter() - began


def inside() -> None:
    """Measure; print one line of JSON."""
    import django

    django.setup()
    from raglan.config import config
    from raglan.edge import startup

    startup.prepare(config(), migrate=True)
    bench = _Bench()
    found: dict[str, object] = {"limit_s": [], "took_s": [], "late_s": []}
    for number in range(ROUNDS):
        found["limit_s"].append(rows(config().data_dir / f"rows-{number}.sqlite3"))  # type: ignore[attr-defined]
        took, late = bench.round()
        found["took_s"].append(took)  # type: ignore[attr-defined]
        found["late_s"].append(late)  # type: ignore[attr-defined]
    found["steps"] = bench.steps()
    print(json.dumps(found))


class _Bench:
    """One database and one engine at a time."""

    def __init__(self) -> None:
        from django.db import connection, transaction

        from raglan.core import timers

        self._finished: list[tuple[float, int]] = []
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bench_page (id INTEGER PRIMARY KEY, step INTEGER, next_at TEXT)")
            cursor.execute("CREATE TABLE bench_note (id INTEGER PRIMARY KEY, page INTEGER, key TEXT, state TEXT)")
            cursor.executemany("INSERT INTO bench_page VALUES (%s, 0, '')", [(page,) for page in range(TIMERS)])

        @timers.light_handler("bench.step")
        def step(many: Sequence[timers.Due]) -> None:
            pages = [due.subject_id for due in many]
            with connection.cursor() as cursor:
                advance = "UPDATE bench_page SET step = step + 1, next_at = '2030-01-01' WHERE id = %s"
                cursor.executemany(advance, [(page,) for page in pages])
                note = "INSERT INTO bench_note (page, key, state) VALUES (%s, %s, 'queued')"
                cursor.executemany(note, [(page, f"page:{page}:1:mail") for page in pages])
            transaction.on_commit(lambda: self._finished.append((time.perf_counter(), len(many))))

    def round(self) -> tuple[float, float]:
        """Return how long 100,000 timers took from the moment at which all were due, and the worst lateness."""
        from django.db import connection

        from raglan.core import timers
        from raglan.core.clock import now
        from raglan.core.db import atomic
        from raglan.core.engine import Engine
        from raglan.core.models import Timer

        self._finished.clear()
        first = timers.schedule("bench.step", subject="page:0", due_at=now() + timedelta(hours=1))
        others = "kind, subject, lane, due_at, payload, leased_until, leased_by, attempts, parked_at, last_error, pool"
        copied = others.replace("subject,", "'page:' || bench_page.id,")
        with atomic(), connection.cursor() as cursor:
            more = f"INSERT INTO core_timer ({others}) SELECT {copied} FROM core_timer, bench_page"
            cursor.execute(f"{more} WHERE core_timer.id = %s AND bench_page.id > 0", [first.pk])
            due_at = now() + AHEAD
            Timer.objects.filter(kind="bench.step").update(due_at=due_at)
        engine = Engine()
        engine.start()
        began = time.perf_counter() + (due_at - now()).total_seconds()
        while sum(number for _, number in self._finished) < TIMERS and time.perf_counter() < began + GIVE_UP_S:
            time.sleep(0.02)
        engine.stop()
        took = self._finished[-1][0] - began
        return took, took

    def steps(self) -> float:
        """Return how many real escalation steps a second the engine takes when many are due at once."""
        from raglan.core.clock import CLOCK
        from raglan.core.engine import Engine
        from raglan.core.models import Timer
        from raglan.paging import actions as paging
        from raglan.testing import world

        mara = world.person("Mara Keller")
        policy = world.policy((60, [mara]), (3600, [mara]))
        with world.outbox(world.Outbox()):
            for number in range(STEPS):
                world.page(policy, f"page {number}")
            CLOCK.move(timedelta(seconds=61))
            due = Timer.objects.filter(kind=paging.ESCALATE, due_at__lte=CLOCK.now())
            if due.count() != STEPS:
                raise SystemExit(f"{due.count()} steps are due, not {STEPS}")
            before, engine = time.perf_counter(), Engine()
            engine.start()
            while due.exists() and time.perf_counter() < before + GIVE_UP_S:
                time.sleep(0.05)
            took = time.perf_counter() - before
            engine.stop()
        return STEPS / took


if __name__ == "__main__":
    inside()
