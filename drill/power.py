"""A power cut in the worst order: images of the disk with unsynced writes kept, dropped or torn."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from drill.ground import Result
from tests.core_db import test_power_cut as cut

CUTS = 300


def run(folder: Path, _runs: int) -> Iterator[Result]:
    """Build images with raglan's own settings, and with each of the two that must fail."""
    shim = folder / "powercut.so"
    source = cut.HERE / "powercut.c"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", shim, source, "-ldl", "-lpthread"], check=True)
    found = {}
    for name, pragmas in (
        ("full", ""),
        ("normal", "PRAGMA synchronous = NORMAL;"),
        ("off", "PRAGMA synchronous = OFF;"),
    ):
        place = folder / name
        place.mkdir()
        operations = cut.operations_of(shim, place, f"{pragmas} {cut.OFTEN}")
        found[name] = Counter(cut.verdicts(operations, place, images=CUTS))
    full, normal, off = found["full"], found["normal"], found["off"]
    yield Result(
        "a power cut loses no acknowledged commit (SQLite, WAL, FULL)",
        CUTS,
        full["lost"] + full["damaged"],
        0,
        None,
        f"NORMAL lost rows in {normal['lost']} images, OFF damaged {off['damaged']}",
        control_fails=normal["lost"] > 0 and off["damaged"] > 0,
    )
