"""From the POST of an alert to the mail that is handed over: open loop, bounded, each alert its own page."""

import json
import time
from http.client import HTTPConnection
from pathlib import Path

from bench.floor import Floor
from bench.ground import Figure, Running, percentile, running, set_up

ALERTS = 200
RATE = 10
WARM = 20
PATIENCE_S = 30


def measure(folder: Path, ground: Floor) -> list[Figure]:
    """Send alerts at a steady rate and wait for their mails."""
    with running(folder) as server:
        path = set_up(server.client, group_by=["key"])
        _send(server, path, "warm", WARM)
        _wait(server, WARM, "warm")
        sent, answered = _send(server, path, "page", ALERTS)
        _wait(server, ALERTS, "page")
        taken = [
            (server.sink.arrived[subject] - began) * 1000
            for subject, began in sent.items()
            if subject in server.sink.arrived
        ]
        size = server.client.rows("/pages?state=open&limit=1")
    if not taken or not size:
        raise SystemExit("no page went out")
    least = 2 * ground.commit_ms + ground.mail_ms
    p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
    answer = percentile(answered, 0.5)
    lost = ALERTS - len(taken)
    return [
        Figure("alert POST to its 2xx, p50", answer, "ms", None, f"{answer / ground.commit_ms:.0f} × a commit"),
        Figure("alert POST to mail handed over, p50", p50, "ms", 100, f"{p50 / least:.0f} × two commits and a mail"),
        Figure("alert POST to mail handed over, p99", p99, "ms", 1000, f"{p99 / p50:.1f} × p50"),
        Figure("alerts without a mail", lost, "", 0, f"of {ALERTS}"),
    ]


def _send(server: Running, path: str, name: str, count: int) -> tuple[dict[str, float], list[float]]:
    """Return when each alert was sent, by the subject of its mail, and how long its answer took."""
    door = HTTPConnection("127.0.0.1", server.port, timeout=30)
    sent, answered = {}, []
    began = time.perf_counter()
    for index in range(count):
        time.sleep(max(0.0, began + index / RATE - time.perf_counter()))
        title = f"{name} {index:04d} is not well"
        alert = {"labels": {"alertname": name, "key": f"{name}-{index}"}, "annotations": {"summary": title}}
        sent[title] = time.perf_counter()
        door.request("POST", path, json.dumps([alert]), {"Content-Type": "application/json"})
        answer = door.getresponse()
        answer.read()
        if answer.status >= 300:
            raise SystemExit(f"an alert was answered with {answer.status}")
        answered.append((time.perf_counter() - sent[title]) * 1000)
    return sent, answered


def _wait(server: Running, count: int, name: str) -> None:
    until = time.perf_counter() + PATIENCE_S
    while sum(name in subject for subject in list(server.sink.arrived)) < count and time.perf_counter() < until:
        time.sleep(0.05)
