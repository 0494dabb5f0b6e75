"""A raglan that is held (`SIGSTOP`) says nothing any more: the other one pages, and the sign of life stops."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

from drill.clock import wait_for
from drill.ground import Box, Node, Result, prepared

EVERY_S = 10
MOST_S = 180
KEY = "a key for this drill only"


def run(folder: Path, _runs: int) -> Iterator[Result]:
    """Two raglans that watch each other; hold one."""
    with Box() as box, Node(folder / "a", box.url) as first, Node(folder / "b", box.url) as second:
        for node, other in ((first, second), (second, first)):
            watch = {"PEER_URL": f"http://127.0.0.1:{other.port}", "PEER_KEY": KEY, "PEER_EVERY_S": str(EVERY_S)}
            watch |= {"ALLOW_NETWORKS": "127.0.0.0/8"}
            node.options(**watch)
        with prepared(first), prepared(second):
            heard = "SELECT count(*) FROM core_sign WHERE name = 'peer heard'"
            both = wait_for(lambda: first.rows(heard)[0][0] and second.rows(heard)[0][0], 120)
            time.sleep(4 * EVERY_S)
            before = box.of("is silent since")
            held = time.perf_counter()
            second.signal(signal.SIGSTOP)
            noticed = wait_for(lambda: box.of("is silent since") > before, MOST_S)
            took = time.perf_counter() - held
            second.signal(signal.SIGCONT)
            resolved = "SELECT count(*) FROM paging_page WHERE title LIKE '%silent since%' AND state = 'resolved'"
            back = wait_for(lambda: first.rows(resolved)[0][0], 120)
    yield Result(
        "a raglan that is held is noticed by the other one, and its return ends the page",
        1,
        (not both) + (not noticed) + (not back),
        0,
        took,
        f"while both ran nobody was paged: {before} pages in {4 * EVERY_S} s",
        control_fails=before == 0,
        most_late_s=MOST_S,
        facts=[f"hellos every {EVERY_S} s; three misses page"],
    )
