"""Several engines as processes of their own on one database, some of which are killed.

Run as a program it is one such engine. Arguments: the name of the database (empty: that of the options), the file
that calls to the outside are noted in, and `broken` for the control: an engine without leases.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

KINDS = ("engines.work", "engines.light", "engines.call")
WORKERS = 4
THREADS = 2
PATIENCE_S = 900
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often each thing was done, by kind; how many engines were killed meanwhile."""

    done: dict[str, Counter[str]]
    kills: int
    took_s: float

    def lost(self, count: int) -> int:
        """Return how many were never done."""
        return sum(count - len(self.done[kind]) for kind in KINDS)

    def repeated(self, kind: str) -> int:
        """Return how many were done once more than once."""
        return sum(number - 1 for number in self.done[kind].values())


def race(name: str, folder: Path, count: int, *, kills: int = 0, broken: bool = False) -> Outcome:
    """Let four engines do so many timers of each kind, all due at once; Django is set up here on that database."""
    from django.db import connection

    from raglan.core import timers
    from raglan.core.clock import now
    from raglan.core.db import atomic
    from raglan.core.models import Timer

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS engines_done")
        cursor.execute("CREATE TABLE engines_done (kind varchar(40), subject varchar(40))")
    pools = dict(zip(KINDS, (timers.Pool.WORK, timers.Pool.LIGHT, timers.Pool.NETWORK), strict=True))
    calls = folder / "calls"
    calls.touch()
    workers = [start(name, calls, broken=broken, dies=kills > 0) for _ in range(WORKERS)]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline().strip() == "ready"
        made = [timers.Plan(kind, f"thing:{number}", now()) for number in range(count) for kind in KINDS]
        with atomic():
            timers.schedule_many(made)
            for kind, pool in pools.items():  # this process does not know them, so it could not file them
                Timer.objects.filter(kind=kind).update(pool=pool)
        began, chance, killed = time.monotonic(), random.Random(count), 0
        while Timer.objects.filter(kind__in=KINDS).exists():
            assert time.monotonic() < began + PATIENCE_S, "they do not come to an end"
            time.sleep(0.1)
            if killed < kills:
                time.sleep(chance.uniform(0, 0.5))
                victim = chance.randrange(WORKERS)
                end([workers[victim]])
                workers[victim] = start(name, calls, broken=broken, dies=kills > 0)
                killed += 1
        took = time.monotonic() - began
    finally:
        end(workers)
    return Outcome(_done(calls), killed, took)


def _done(calls: Path) -> dict[str, Counter[str]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, subject FROM engines_done")
        rows = cursor.fetchall()
        cursor.execute("DROP TABLE engines_done")
    done = {kind: Counter(subject for of, subject in rows if of == kind) for kind in KINDS}
    done["engines.call"] = Counter(calls.read_text().split())
    return done


def start(name: str, calls: Path, *, broken: bool, dies: bool) -> "subprocess.Popen[str]":
    """Start one engine; it says `ready`. Where engines die, leases are short so that the race ends soon."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    env |= {"RAGLAN_LOG_LEVEL": "error", **({"RAGLAN_SEND_DEADLINE_S": "1", "RAGLAN_LEASE_S": "6"} if dies else {})}
    command = [sys.executable, "-m", "tests.scenarios.engines", name, str(calls), "broken" if broken else ""]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def end(workers: Sequence["subprocess.Popen[str]"]) -> None:
    """Kill them."""
    for worker in workers:
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()


def main(name: str, calls: str, broken: str) -> None:
    """Be one engine until killed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raglan.settings")
    import django
    from django.conf import settings

    if name:
        settings.DATABASES["default"]["NAME"] = name
    django.setup()
    from raglan.core.engine import Engine

    _register(os.open(calls, os.O_WRONLY | os.O_APPEND))
    if broken:
        _break()
    Engine(threads=THREADS, network_threads=THREADS).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)


def _register(calls: int) -> None:
    from django.db import connection

    from raglan.core import timers

    def write(many: Sequence[timers.Due]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO engines_done VALUES (%s, %s)", [(due.kind, due.subject) for due in many])

    def call(due: timers.Due) -> None:
        os.write(calls, f"{due.subject}\n".encode())
        os.fsync(calls)

    timers.handler("engines.work")(lambda due: write([due]))
    timers.light_handler("engines.light")(write)
    timers.handler("engines.call", network=True)(call)


def _break() -> None:
    """The control: no leases, and nobody looks whether the timer is still there."""
    from raglan.core import timers
    from raglan.core.clock import now
    from raglan.core.models import Timer

    def claim(
        limit: int,
        *,
        pool: timers.Pool | None = None,
        first: bool | None = None,
        together: bool | None = None,
        several: bool | None = None,
    ) -> list[timers.Due]:
        if first or together or several or pool is None:
            return []  # none of these goes before others, or with others
        rows = Timer.objects.filter(pool=pool, kind__in=KINDS, due_at__lte=now()).order_by("due_at", "pk")[:limit]
        return [timers.Due(row.pk, row.kind, row.subject, row.due_at, 1, row.payload) for row in rows]

    def fire(due: timers.Due) -> None:
        timers.HANDLERS[due.kind].function(due)
        Timer.objects.filter(pk=due.id).delete()

    timers.claim, timers.fire = claim, fire


if __name__ == "__main__":
    main(*sys.argv[1:])
