"""Reports of a fleet: in process beside merely decoding them, on disk beside the raw JSON, and over HTTP at their pace.

Over HTTP, all hosts report each ten minutes as `raglan-host` does: a hash where nothing changed, the list where it
did, packed with gzip. What that needs of the processor is read from the server's own account.
"""

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from bench import fleet_ground as ground
from bench import load
from bench.floor import Floor
from bench.ground import Figure, Running, running
from raglan.demo.client import text

SIZES = tuple(int(size) for size in os.environ.get("RAGLAN_BENCH_HOSTS", "10000,100000").split(","))
EACH_S = 600
TICK_S = 0.1
PACED_S = 30
HERD, WIRES = 3_000, 600
CHANGED = 0.05
LEAST = 0.4
DISK = 5.0  # % of the raw JSON
CORE = 25.0  # %


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Measure fleets of some sizes."""
    found: list[Figure] = []
    for hosts in SIZES:
        found += _measure(folder / str(hosts), hosts)
    return found


def _measure(folder: Path, hosts: int) -> list[Figure]:
    data = folder / "data"
    data.mkdir(parents=True)
    env = {**os.environ, "RAGLAN_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "raglan.settings"}
    command = [sys.executable, "-m", "bench.fleet_ground", str(hosts)]
    told = json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)
    with running(folder) as server:
        over = _over_http(server, hosts)
    return [*_in_process(told, hosts), *over]


def _in_process(told: dict[str, object], hosts: int) -> list[Figure]:
    passes = [ground.Taken(**one) for one in told["passes"]]  # type: ignore[attr-defined]  # our own JSON
    found = []
    for one in passes:
        ratio, wall = one.decode_cpu_s / one.cpu_s, one.decode_s / one.take_s
        words = f"{wall:.2f} × msgspec alone ({one.hosts / one.decode_s:,.0f}/s), {one.cpu_s / one.hosts * 1e6:.0f} µs"
        found.append(Figure(f"{hosts:,} hosts, {one.what}", one.hosts / one.take_s, "/s", None, words))
        if one.what == "5 % changed":
            found.append(
                Figure(
                    "  processor beside decoding alone",
                    1 / ratio,
                    "×",
                    1 / LEAST,
                    f"{ratio:.2f} × its rate",
                    is_budget=True,
                )
            )
    raw, disk, later, rss = passes[0].raw, *(int(str(told[name])) for name in ("disk", "later", "rss"))
    return [
        *found,
        Figure("  on disk, of the raw JSON", 100 * disk / raw, "%", DISK, f"1/{raw / disk:.0f}", is_budget=True),
        Figure("  on disk, each host", disk / hosts, "B", None, f"{later / hosts:.0f} B after all rounds"),
        Figure("  in memory, each host", rss / hosts, "B", None, f"{rss / 2**20:.0f} MiB"),
    ]


def _over_http(server: Running, hosts: int) -> list[Figure]:
    source = server.client.post("/fleet/sources", {"name": "Bench", "slug": "bench", "kind": "hosts"})
    path = f"/fleet/{text(source, 'token')}/report"
    paced = int(PACED_S * hosts / EACH_S)
    wires = [
        _rendered(server.port, path, hosts, seq=10, count=paced),
        _rendered(server.port, path, hosts, seq=11, count=HERD),
    ]
    idle = _cpu_share(server.pid, PACED_S / 3)
    used = _paced(server, wires[0], hosts / EACH_S)
    cpu = load.cpu_s(server.pid)
    run = load.Loop(server.port, wires[1], WIRES).run()
    run.check(len(wires[1]))
    each = (load.cpu_s(server.pid) - cpu) / HERD
    return [
        Figure(
            "  of a core, all each 10 minutes",
            100 * used,
            "%",
            CORE,
            f"{hosts / EACH_S:.0f}/s; idle {100 * idle:.1f} %",
            is_budget=True,
        ),
        Figure("  over HTTP, all at once", HERD / run.wall_s, "/s", None, f"{each * 1e6:.0f} µs of the processor each"),
        Figure("  memory of the server", load.memory_mib(server.pid), "MiB", None, ""),
    ]


def _rendered(port: int, path: str, hosts: int, *, seq: int, count: int) -> list[bytes]:
    """Return requests of some hosts; those that changed send the list, the others its hash."""
    dice, found = random.Random(seq), []
    for host in dice.sample(range(hosts), min(count, hosts)):
        is_changed = dice.random() < CHANGED
        digest = hashlib.sha256(ground.packages(host, 0).encode()).hexdigest()
        told = None if is_changed else f'"packages_hash":"{digest}"'
        data = gzip.compress(ground.body(host, seq=seq, round_=seq if is_changed else 0, listed=told), 6)
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Encoding: gzip\r\n"
        found.append(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return found


def _paced(server: Running, requests: list[bytes], rate: float) -> float:
    """Send requests at a pace; return the share of a core that the server used meanwhile."""
    cpu, began, sent = load.cpu_s(server.pid), time.perf_counter(), 0
    while sent < len(requests):
        due = min(len(requests), int((time.perf_counter() - began + TICK_S) * rate) + 1)
        if chunk := requests[sent:due]:
            load.Loop(server.port, chunk, len(chunk)).run().check(len(chunk))
            sent = due
        time.sleep(TICK_S / 4)
    return (load.cpu_s(server.pid) - cpu) / (time.perf_counter() - began)


def _cpu_share(pid: int, seconds: float) -> float:
    cpu = load.cpu_s(pid)
    time.sleep(seconds)
    return (load.cpu_s(pid) - cpu) / seconds
