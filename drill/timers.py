"""Four engines on one database, killed at random: each step is claimed by one."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from drill.ground import Result
from tests.scenarios.engines import KINDS, THREADS, Outcome

COUNT = 3_000
KILLED_COUNT = 1_500
FEW = 500


def run(folder: Path, runs: int) -> Iterator[Result]:
    """Without a fault, then with kills; the control has no leases."""
    quiet = race(folder / "quiet", COUNT)
    killed = race(folder / "killed", KILLED_COUNT, kills=max(1, runs // 5))
    broken = race(folder / "broken", FEW, broken=True)
    doubled = sum(broken.repeated(kind) for kind in KINDS)
    control = f"engines without leases did {doubled} things twice"
    yield Result(
        f"four engines, {COUNT} timers of each of three kinds due at once: each once",
        1,
        quiet.lost(COUNT),
        sum(quiet.repeated(kind) for kind in KINDS),
        quiet.took_s,
        control,
        control_fails=doubled > 0,
        most_repeated=0,
    )
    yield Result(
        "the same with kills: none lost, work in the database once, calls repeated only where cut off",
        killed.kills,
        killed.lost(KILLED_COUNT) + sum(killed.repeated(kind) for kind in KINDS[:2]),
        killed.repeated(KINDS[2]),
        killed.took_s,
        control,
        control_fails=doubled > 0,
        most_repeated=THREADS * killed.kills,
    )


def race(folder: Path, count: int, *, kills: int = 0, broken: bool = False) -> Outcome:
    """Run one race in a process that has a database of its own."""
    folder.mkdir()
    env = {key: value for key, value in os.environ.items() if not key.startswith("RAGLAN_")}
    env |= {"RAGLAN_DATA_DIR": str(folder), "RAGLAN_CONFIG": str(folder / "none.toml"), "RAGLAN_SMTP_URL": ""}
    env |= {"DJANGO_SETTINGS_MODULE": "raglan.settings", "RAGLAN_LOG_LEVEL": "error"}
    subprocess.run([sys.executable, "-m", "raglan", "migrate"], env=env, check=True, capture_output=True)
    code = (
        "import django, json; django.setup()\n"
        "from pathlib import Path\nfrom tests.scenarios import engines\n"
        f"found = engines.race('', Path({str(folder)!r}), {count}, kills={kills}, broken={broken})\n"
        "print(json.dumps([found.done, found.kills, found.took_s]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    done, killed, took = json.loads(ran.stdout.splitlines()[-1])
    return Outcome({kind: Counter(subjects) for kind, subjects in done.items()}, killed, took)
