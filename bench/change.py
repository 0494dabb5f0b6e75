"""A change on many hosts: how soon its first difference is known, and how long its screen takes."""

import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

from bench.floor import Floor
from bench.ground import Figure, Reader, Running, percentile, running
from raglan.demo.client import text

HOSTS = int(os.environ.get("RAGLAN_BENCH_CHANGE_HOSTS", "10000"))
REACHED = 0.7
LISTS = 500
SENDERS = 64
READS = 60
PATIENCE_S = 30
OLD, NEW = "2.4.6-40", "2.4.6-45"


def measure(folder: Path, ground: Floor) -> list[Figure]:
    """Let a change come to most hosts of a fleet, and read its screens."""
    with running(folder) as server:
        source = server.client.post("/fleet/sources", {"name": "Bench", "slug": "bench", "kind": "hosts"})
        token = text(source, "token")
        _report(server, token, range(HOSTS), seq=1, version=OLD, state="active")
        change = _propose(server)
        raised = _first(server, token, change)
        began = time.perf_counter()
        _report(server, token, range(1, int(HOSTS * REACHED)), seq=2, version=NEW, state="failed")
        each = (time.perf_counter() - began) / (HOSTS * REACHED) * 1000
        paths = (f"/changes/{change}/", f"/changes/{change}/hosts/", f"/changes/{change}/marks/", "/changes/")
        screens = _read(server, paths)
    figures = [
        Figure(
            "first report to its surprise over REST",
            raised,
            "ms",
            2000,
            f"{raised / ground.commit_ms:.0f} × a commit",
            is_budget=True,
        ),
        Figure("a report that differs, all at once", each, "ms", None, f"{SENDERS} senders"),
    ]
    for path, taken in screens.items():
        p50, p95 = percentile(taken, 0.5), percentile(taken, 0.95)
        what = path.replace(f"/{change}/", "/…/")
        figures.append(
            Figure(f"{HOSTS:,} hosts, {what}, p95", p95, "ms", 200, f"{p95 / p50:.1f} × p50", is_budget=True)
        )
    return figures


def _propose(server: Running) -> int:
    said = {"on_existing": "nothing", "on_new": "version", "units": ["httpd.service"]}
    packages = [{"name": "httpd", "version": NEW}]
    made = server.client.post("/changes/proposed", {"title": "Raise a pin", "packages": packages, "expected": said})
    return int(str(made["id"])) if isinstance(made, dict) else 0


def _first(server: Running, token: str, change: int) -> float:
    """Return after how many milliseconds the difference on the first host is told by REST."""
    began = time.perf_counter()
    _report(server, token, [0], seq=2, version=NEW, state="failed")
    while time.perf_counter() - began < PATIENCE_S:
        stands = server.client.get(f"/changes/{change}/progress")
        if isinstance(stands, dict) and stands["surprises"]:
            return (time.perf_counter() - began) * 1000
    raise SystemExit("the difference was not raised")


def _report(server: Running, token: str, hosts: Iterable[int], *, seq: int, version: str, state: str) -> None:
    listed = list(hosts)

    def send(mine: list[int]) -> None:
        door = HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for host in mine:
            door.request("POST", "/fleet/report", body(host, seq=seq, version=version, state=state), headers)
            answer = door.getresponse()
            answer.read()
            if answer.status >= 300:
                raise SystemExit(f"a report was answered with {answer.status}")

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, [listed[first::SENDERS] for first in range(SENDERS)]))


def body(host: int, *, seq: int, version: str, state: str) -> bytes:
    """Return a report of a host with some forty packages; some hundred lists are among all hosts."""
    packages = sorted(
        [("httpd", version, "amd64"), *((f"lib{number}", _own(host, number), "amd64") for number in range(40))]
    )
    place = {"name": f"web{host:06}", "cluster": f"c{host % 20}", "role": f"role{host % 7}", "services": ["shop"]}
    told = {"v": 1, "host": place, "at": time.time(), "boot": "b", "seq": seq, "packages": packages}
    return json.dumps({**told, "units": [["httpd.service", state]]}).encode()


def _own(host: int, number: int) -> str:
    return f"1.{host % LISTS}" if number == host % 40 and host % 3 == 0 else "1.0"


def _read(server: Running, paths: Iterable[str]) -> dict[str, list[float]]:
    """Return how long each screen took, in milliseconds."""
    reader, taken = Reader(server.port), dict[str, list[float]]()
    for path in paths:
        for _ in range(READS):
            began = time.perf_counter()
            status, _ = reader.get(path)
            if status != 200:
                raise SystemExit(f"{path} was answered with {status}")
            taken.setdefault(path, []).append((time.perf_counter() - began) * 1000)
    return {path: found[READS // 10 :] for path, found in taken.items()}
