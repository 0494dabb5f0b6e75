"""A disk that fills while alerts flow: what was accepted goes out, the rest is refused, and room brings it all back."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from drill.clock import wait_for
from drill.ground import Box, Load, Node, Result, missing, prepared, settle

SIZE_MB, RESERVE_MB = 48, 8
BACK_S = 10.0
MB = 1024 * 1024


def run(folder: Path, _runs: int) -> Iterator[Result]:
    """Fill a small disk of its own, then make room."""
    place = folder / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", place], check=False)
    if mounted.returncode:
        print("full      not run: it needs the right to mount a small disk", file=sys.stderr)
        return
    try:
        yield from on(place)
    finally:
        subprocess.run(["umount", "-l", place], check=False)


def on(place: Path) -> Iterator[Result]:
    """Run on this disk."""
    options = {"disk_reserve_mb": str(RESERVE_MB), "data_dir": str(place)}
    with Box() as box, Node(place.parent / "one", box.url, **options) as node, prepared(node) as path:
        with Load([node], path, rate=20) as load:
            time.sleep(5)
            healthy = node.get("/healthz")[0]
            fill(place / "filler")
            full = wait_for(lambda: node.get("/healthz")[0] == 503, 30)
            refused = wait_for(lambda: load.told.statuses[503], 30)
            settle(node, patience_s=60)
            at_full = missing(node, load.told, box)
            (place / "filler").unlink()
            taken, began = len(load.told.at), time.perf_counter()
            again = wait_for(lambda: len(load.told.at) > taken and node.get("/healthz")[0] == 200, 60)
            took = time.perf_counter() - began
            time.sleep(2)
        left = settle(node)
        lost = missing(node, load.told, box)
        paged = box.of("The disk of raglan is full")
    yield Result(
        "a full disk: what was accepted goes out, the rest is refused, room brings it all back",
        1,
        len(lost) + left + (not full) + (not refused) + (not again),
        box.repeated,
        took,
        f"before it was full /healthz answered {healthy}",
        control_fails=healthy == 200,
        most_late_s=BACK_S,
        facts=[
            f"answers: {dict(load.told.statuses)}; missing while full: {len(at_full)}; pages about it: {paged}",
            *lost[:5],
        ],
    )


def fill(path: Path) -> None:
    """Write until nothing fits any more."""
    with path.open("wb", buffering=0) as file:
        for size in (MB, 64 * 1024, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
