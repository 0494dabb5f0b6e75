"""From exec to /readyz on an existing database, and memory at rest with every screen seen once."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.floor import Floor
from bench.ground import Figure, Reader, cpu_s, percentile, resident_mb, running
from raglan.cli.children import Child, wait_until_ready

RUNS = 5
REST_S = 3
SCREENS = ("/", "/incidents/", "/alerts/", "/on-call/", "/people/", "/you/", "/setup/", "/api/docs/")
BARE = "import django; django.setup()"


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Start several times; then look at memory."""
    with running(folder) as first:
        env, port = first.env, first.port
        reader = Reader(port)
        for path in SCREENS * 2:
            reader.get(path)
        time.sleep(REST_S)
        resident = resident_mb(first.pid)
    runs = [_start(env, port) for _ in range(RUNS)]
    starts, used = [seconds for seconds, _ in runs], percentile([cpu for _, cpu in runs], 0.5)
    bare = [_bare(env) for _ in range(RUNS)]
    median, bare_s = percentile(starts, 0.5), percentile([seconds for seconds, _ in bare], 0.5)
    bare_mb = percentile([mb for _, mb in bare], 0.5)
    return [
        Figure("exec to /readyz, median of 5", median, "s", 2, f"{median / used:.1f} × its processor time"),
        Figure("exec to /readyz, worst of 5", max(starts), "s", None, f"{max(starts) / used:.1f} ×"),
        Figure("processor time to /readyz, median of 5", used, "s", None, f"{used / bare_s:.1f} × Django set up"),
        Figure("memory at rest, every screen seen", resident, "MB", 150, f"{resident / bare_mb:.1f} × Django set up"),
    ]


def _start(env: dict[str, str], port: int) -> tuple[float, float]:
    """Return seconds by the wall and of the processor."""
    with Path(os.devnull).open("wb") as nowhere:
        began = time.perf_counter()
        with Child(["serve"], env, output=nowhere) as server:
            if not wait_until_ready(server, "127.0.0.1", port):
                raise SystemExit("the server did not start")
            return time.perf_counter() - began, cpu_s(server.process.pid)


def _bare(env: dict[str, str]) -> tuple[float, float]:
    """Return processor seconds and MB of a process that only sets Django up."""
    environment = {**os.environ, **env, "DJANGO_SETTINGS_MODULE": "raglan.settings"}
    child = subprocess.Popen([sys.executable, "-c", BARE], env=environment)
    used = os.wait4(child.pid, 0)[2]
    child.returncode = 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6
