"""Single events into raglan and into a real Alerta on PostgreSQL in turn: one alert a POST.

Alerta is installed by its lock file into an environment of its own under `var/`, the first time that it is measured; it
runs under gunicorn with two processes of four threads, as its documents advise, on a PostgreSQL that syncs.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import intake, load, peer
from bench.floor import Floor
from bench.ground import Figure, running, set_up
from bench.intake import Case, Side, alert
from raglan.cli.children import free_port
from tests.support import pg

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-alerta.lock"
HOME = ROOT / "var" / "alerta"
ROUNDS = 5
LEAST = 20.0
CASE = Case("single events, 1 a POST, 16 connections", 1, 600, 16, least=LEAST)
OURS, THEIRS = 3_000, 600


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Run five rounds, each side with as many events as take it some seconds."""
    with running(folder / "raglan") as ours, alerta(folder / "alerta") as (pid, port):
        path = set_up(ours.client, group_by=[])
        raglan = Side("raglan", ours.pid, ours.port, path)
        intake.warm_up([raglan])
        theirs = Side("Alerta", pid, port, "/alert")
        load.Loop(port, list(_events(theirs, "warm", 50)), 4).run().check(50)
        pairs = []
        for number in range(ROUNDS):
            taken = {side.name: side.take(CASE, requests) for side, requests in _in_turn(number, raglan, theirs)}
            pairs.append((taken["raglan"], taken["Alerta"]))
    rate = statistics.median(ours.rate for ours, _ in pairs)
    peers = statistics.median(found.rate for _, found in pairs)
    ratio = statistics.median(ours.rate / found.rate for ours, found in pairs)
    verdict = "ok" if ratio >= LEAST else "beyond the goal"
    words = f"{ratio:.1f} × Alerta ({peers:.0f}/s), at least {LEAST:g}: {verdict}"
    p99 = statistics.median(ours.p99_ms / found.p99_ms for ours, found in pairs)
    return [
        Figure(f"{CASE.name}: events a second", rate, "/s", None, words),
        Figure(f"{CASE.name}: p99", p99, "× Alerta", None),
    ]


def _in_turn(number: int, raglan: Side, theirs: Side) -> Iterator[tuple[Side, Sequence[bytes]]]:
    case = Case(CASE.name, 1, OURS, CASE.connections)
    run = f"single-{number}"
    both: list[tuple[Side, Callable[[], Sequence[bytes]]]] = [
        (raglan, lambda: list(intake.rendered(raglan, case, run, OURS))),
        (theirs, lambda: list(_events(theirs, run, THEIRS))),
    ]
    for side, requests in both if number % 2 else reversed(both):
        yield side, requests()


def _events(side: Side, run: str, count: int) -> Iterator[bytes]:
    """Give the same alerts in Alerta's own form."""
    for number in range(count):
        given = alert(run, number)
        labels, words = dict(given["labels"]), dict(given["annotations"])  # type: ignore[call-overload]
        event = {
            "resource": labels["pod"],
            "event": labels["alertname"],
            "environment": "Production",
            "severity": {"critical": "critical", "warning": "warning"}[labels["severity"]],
            "service": [labels["service"]],
            "group": labels["namespace"],
            "text": words["summary"],
            "tags": [f"{name}={value}" for name, value in labels.items()],
            "attributes": words,
        }
        yield load.render(side.port, side.path, json.dumps(event, separators=(",", ":")).encode())


@contextmanager
def alerta(folder: Path) -> Iterator[tuple[int, int]]:
    """Run it on a PostgreSQL of its own; gives its process id and port."""
    programs = _installed()
    folder.mkdir(parents=True, exist_ok=True)
    database = pg.Server({"fsync": "on", "synchronous_commit": "on"})
    try:
        with database.connect() as connection:
            connection.execute("CREATE DATABASE alerta")
        port = free_port()
        env = {
            **os.environ,
            "DATABASE_URL": database.url("alerta"),
            "SECRET_KEY": "for-this-measurement-only",
            "AUTH_REQUIRED": "False",
            "ALERTA_SVR_CONF_FILE": str(folder / "none.conf"),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
        command = [str(programs / "gunicorn"), "--preload", "-w", "2", "--threads", "4", "-k", "gthread"]
        command += ["--log-level", "error", "-b", f"127.0.0.1:{port}", "alerta:create_app()"]
        path = "/management/healthcheck"
        with (folder / "log").open("wb") as log, peer.started(command, port, path, log, env) as process:
            yield process.pid, port
    finally:
        database.stop()


def _installed() -> Path:
    """Return where its programs are; install them when the lock file changed."""
    mark, stamp = hashlib.sha256(LOCK.read_bytes()).hexdigest(), HOME / "locked"
    if not stamp.is_file() or stamp.read_text() != mark:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)], check=True)
        pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        subprocess.run([*pip, "-r", str(LOCK)], check=True, stdout=sys.stderr)
        stamp.write_text(mark)
    return HOME / "bin"
