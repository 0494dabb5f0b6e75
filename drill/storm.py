"""A storm hides nothing: 20,000 copies of one alert and 5,000 different ones in a minute, and a lone one amid them.

The lone one is another team's, as in the promise: for those whom the storm pages it would be one more of its alerts.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from drill.clock import wait_for
from drill.ground import Box, Node, Result, alert, post, prepared, settle
from raglan.demo.client import Json, number, text

COPIES, DIFFERENT, SECONDS = 20_000, 5_000, 60
BATCH = 50
LONE_S = 15.0


def run(folder: Path, _runs: int) -> Iterator[Result]:
    """Send both storms at once from two sources; in the middle one alert of a third."""
    with Box() as box, Node(folder / "one", box.url, storm_groups="20") as node, prepared(node) as path:
        lone_path = another_team(node)
        statuses: Counter[int] = Counter()
        same = [alert("copy")] * BATCH
        storms = [
            (COPIES, lambda start: same),
            (DIFFERENT, lambda start: [alert(f"storm-{start + n:06d}") for n in range(BATCH)]),
        ]
        threads = [threading.Thread(target=send, args=(node, path, count, make, statuses)) for count, make in storms]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS / 2)
        door = HTTPConnection("127.0.0.1", node.port, timeout=20)
        began = time.perf_counter()
        statuses[post(door, lone_path, [alert("lone-critical", labels={"severity": "critical"})])] += 1
        came = wait_for(lambda: box.of("lone-critical"), 60)
        took = time.perf_counter() - began
        for thread in threads:
            thread.join(600)
        left = settle(node, patience_s=600)
        stored = int(str(node.rows("SELECT count(*) FROM alerts_alert")[0][0]))
    wanted = DIFFERENT + 2
    refused = sum(number for status, number in statuses.items() if not 200 <= status < 300)
    lost = max(0, wanted - stored - refused * BATCH) + (not came) + left
    yield Result(
        "a storm hides nothing, and a lone alert amid it is paged in time",
        1,
        lost,
        box.repeated,
        took,
        f"{stored} alerts are stored of {wanted} different ones: copies did not multiply",
        control_fails=stored <= wanted,
        most_repeated=0,
        most_late_s=LONE_S,
        facts=[
            f"answers: {dict(statuses)}; 5xx must be none",
            f"{sum(box.copies.values())} mails for {wanted} alerts",
        ],
    )


def another_team(node: Node) -> str:
    """Let critical alerts page somebody else, and return the path of a source of theirs."""
    client = node.client()
    person = number(client.post("/people", {"email": "lone@example.test", "name": "Lone"}))
    steps: list[Json] = [{"wait_s": 3600, "targets": [{"type": "person", "id": person}]}]
    client.post("/policies", {"name": "Lone", "slug": "lone", "repeat": 0, "steps": steps})
    critical = {"name": "severity", "op": "=", "value": "critical"}
    client.post("/routes", {"position": 1, "matchers": [critical], "policy": "lone", "group_by": ["key"]})
    source = client.post("/sources", {"name": "Lone", "slug": "lone", "kind": "alertmanager"})
    return f"/integrations/{text(source, 'token')}/api/v2/alerts"


def send(
    node: Node, path: str, count: int, make: Callable[[int], list[dict[str, object]]], statuses: Counter[int]
) -> None:
    """Post batches evenly over a minute."""
    door = HTTPConnection("127.0.0.1", node.port, timeout=60)
    began = time.perf_counter()
    for start in range(0, count, BATCH):
        time.sleep(max(0.0, began + SECONDS * start / count - time.perf_counter()))
        try:
            statuses[post(door, path, make(start))] += 1
        except (OSError, HTTPException):
            statuses[0] += 1
            door.close()
            door = HTTPConnection("127.0.0.1", node.port, timeout=60)
