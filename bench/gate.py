"""How long a host waits for go or stop while a fleet of 100,000 reports every ten minutes."""

import hashlib
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

from bench import load
from bench.floor import Floor
from bench.ground import Figure, percentile, running
from raglan.demo.client import text

HOSTS, EVERY_S, SETS, PACKAGES = 100_000, 600, 20, 600
ASKS, ASKS_A_SECOND, WARM = 4_000, 200, 200
GOAL_MS = 10
WIRES = 60


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Ask at a steady rate, alone and while reports come in."""
    with running(folder) as server:
        source = server.client.post("/fleet/sources", {"name": "Bench", "slug": "bench", "kind": "hosts"})
        token = text(source, "token")
        ends_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        hold = {"name": "bench", "reason": "a hold of a bench", "ends_at": ends_at, "clusters": ["c1"]}
        server.client.post("/holds", hold)
        _ask(server.port, token, WARM)
        alone = _ask(server.port, token, ASKS // 4)
        rate = HOSTS / EVERY_S
        count = int(rate * (ASKS / ASKS_A_SECOND + 5))
        told = multiprocessing.Process(target=_fleet, args=(server.port, token, rate, count), daemon=True)
        told.start()
        time.sleep(2)
        cpu, began = load.cpu_s(server.pid), time.perf_counter()
        found = _ask(server.port, token, ASKS)
        share = (load.cpu_s(server.pid) - cpu) / (time.perf_counter() - began)
        told.terminate()
        told.join(10)
    beside = f"alone {statistics.median(alone):.1f} and {percentile(alone, 0.99):.1f}"
    return [
        Figure("gate, p50 while a fleet reports", statistics.median(found), "ms", None, f"{rate:.0f} reports/s"),
        Figure("gate, p99 while a fleet reports", percentile(found, 0.99), "ms", GOAL_MS, beside, is_budget=True),
        Figure("the same: share of one core", share * 100, "%", None, f"with {ASKS_A_SECOND} answers/s"),
    ]


def _ask(port: int, token: str, count: int) -> list[float]:
    """Ask at a steady rate; return the milliseconds of each answer. Raises SystemExit when one is not as it should."""
    door, found = HTTPConnection("127.0.0.1", port, timeout=30), []
    headers = {"Authorization": f"Bearer {token}"}
    began = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, began + number / ASKS_A_SECOND - time.perf_counter()))
        at = time.perf_counter()
        door.request("GET", f"/gate?host=web{number}&cluster=c{number % 2}&role=web", headers=headers)
        answer = door.getresponse()
        said = answer.read()
        found.append((time.perf_counter() - at) * 1000)
        if answer.status != 200 or said.startswith(b"stop") != bool(number % 2):
            raise SystemExit(f"the gate answered {answer.status}: {said[:200]!r}")
    return found


def _fleet(port: int, token: str, rate: float, count: int) -> None:
    """Report for many hosts at a steady rate, over connections that are kept."""
    parts = [(port, token, rate / WIRES, range(first, count, WIRES)) for first in range(WIRES)]
    threads = [threading.Thread(target=_report, args=part, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _report(port: int, token: str, rate: float, numbers: Sequence[int]) -> None:
    """Report for some hosts at a steady rate, over one connection."""
    sets = [_packages(number) for number in range(SETS)]
    door = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    for place, number in enumerate(numbers):
        time.sleep(max(0.0, began + place / rate - time.perf_counter()))
        packages = sets[number % SETS]
        host = {"name": f"web{number}", "machine": f"{number:032x}", "cluster": f"c{number % 2}", "role": "web"}
        told = {"v": 1, "host": host, "at": time.time(), "boot": "b", "seq": 1}
        told["packages_hash"] = hashlib.sha256(packages.encode()).hexdigest()
        for body in (json.dumps(told), json.dumps(told)[:-1] + ',"packages":' + packages + "}"):
            door.request("POST", "/fleet/report", body, headers)
            answer = door.getresponse()
            answer.read()
            if answer.status != 409:
                break


def _packages(number: int) -> str:
    rows = [[f"package-{index:04}", f"1.{index % 7}-{number}", "amd64"] for index in range(PACKAGES)]
    return json.dumps(rows, separators=(",", ":"))
