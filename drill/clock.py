"""Somebody sets the clock of the whole process in the middle of a wait: the next step comes at its time, once."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from drill.ground import Box, Node, Result, alert, post, prepared
from raglan.demo.client import Json

WAIT_S = 8
JUMPS_S = (0, 1, -1, 61, -61, 3 * 3600, -3 * 3600, 400 * 86400)
WINDOW_S = 2.0
COUNT = re.compile(rb"^raglan_clock_jumps_total (\d+)", re.MULTILINE)


def run(folder: Path, _runs: int) -> Iterator[Result]:
    """Let a page wait for its next step; jump and jump back meanwhile."""
    library, offset = folder / "clockshim.so", folder / "offset"
    source = Path(__file__).with_name("clockshim.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    offset.write_text("0")
    options = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(offset)}
    with Box() as box, Node(folder / "one", box.url, **options) as node, prepared(node) as path:
        person = node.rows("SELECT id FROM people_person ORDER BY id LIMIT 1")[0][0]
        target: list[Json] = [{"type": "person", "id": int(str(person))}]
        steps: list[Json] = [{"wait_s": WAIT_S, "targets": target}, {"wait_s": 3600, "targets": target}]
        client = node.client()
        client.post("/policies", {"name": "Bench", "slug": "bench", "repeat": 0, "steps": steps})
        door = HTTPConnection("127.0.0.1", node.port, timeout=20)
        late, lost, repeated = [], 0, 0
        for number, by in enumerate(JUMPS_S):
            key = f"jump-{number}"
            post(door, path, [alert(key)])
            wait_for(partial(box.has, key, 1), 10)
            began = time.perf_counter()
            time.sleep(1)
            offset.write_text(str(by * 1000))
            time.sleep(WAIT_S / 2)
            offset.write_text("0")
            lost += not wait_for(partial(box.has, key, 2), WAIT_S)
            late.append(time.perf_counter() - began - WAIT_S)
            time.sleep(1)
            repeated += max(0, box.of(key) - 2)
        counted = COUNT.search(node.get("/metrics")[1])
        jumps = int(counted[1]) if counted else 0
    wanted = 2 * sum(abs(by) > 2 for by in JUMPS_S)
    yield Result(
        "a clock jump skips no step and doubles none",
        len(JUMPS_S),
        lost,
        repeated,
        max(late),
        f"the process itself counted {jumps} jumps of {wanted} beyond 2 s, so the shim moved its clock",
        control_fails=jumps == wanted,
        most_repeated=0,
        most_late_s=WINDOW_S,
        facts=[f"early by at most {max(0.0, -min(late)):.1f} s"],
    )


def wait_for(holds: Callable[[], object], seconds: float) -> bool:
    """Wait until it is true; tell whether it became so."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False
