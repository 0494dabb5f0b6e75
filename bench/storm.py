"""How long Now, a room and a page take to answer while 200 alerts a second come in, against the same at rest."""

import json
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

from bench.floor import Floor
from bench.ground import Figure, Reader, Running, cpu_s, percentile, running, set_up
from raglan.demo.client import number, text

RATE = 200
BATCH = 10
SECONDS = 20
READS_A_SECOND = 4
FRESH_SHARE = 0.5


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Read the three screens at rest, then under the storm."""
    with running(folder) as server:
        door = set_up(server.client, group_by=["cluster"])
        paths = _screens(server)
        reader = Reader(server.port)
        for path in paths.values():
            reader.timed(path)
        rest = _read(reader, paths, SECONDS / 2)
        before = cpu_s(server.pid)
        storm = Storm(server.port, door)
        storm.start()
        busy = _read(reader, paths, SECONDS)
        storm.join()
        used = cpu_s(server.pid) - before
    each = 1000 * used / max(1, storm.taken)
    asked = f"asked: {RATE}; refused: {storm.refused}"
    figures = [_figure(name, busy[name], rest[name]) for name in paths]
    return [
        *figures,
        Figure("alerts a second that were taken", storm.taken / SECONDS, "/s", None, asked),
        Figure("POST of 10 alerts to its 2xx, p95", percentile(storm.answered, 0.95), "ms"),
        Figure("processor time of the server", each, "ms", None, "an alert, screens included"),
    ]


def _figure(name: str, busy: list[float], rest: list[float]) -> Figure:
    p95, quiet = percentile(busy, 0.95), percentile(rest, 0.95)
    return Figure(f"{name}, p95 under {RATE} alerts/s", p95, "ms", 200, f"{p95 / quiet:.1f} × at rest ({quiet:.0f} ms)")


def _screens(server: Running) -> dict[str, str]:
    client = server.client
    room = number(client.post("/incidents", {"title": "The site is slow"}))
    for index in range(50):
        client.post(f"/incidents/{room}/entries", {"text": f"Looked at web-{index:03d}", "key": f"storm-{index}"})
    me = client.get("/whoami")
    person = number(me, "person_id") if isinstance(me, dict) else 0
    page = client.post("/pages", {"title": "Disk full", "person_id": person})
    link = text(page, "link")
    return {
        "Now": "/",
        "Room": f"/incidents/{room}/",
        "Page": "/p/" + link.partition("/p/")[2] if "/p/" in link else link,
    }


def _read(reader: Reader, paths: dict[str, str], seconds: float) -> dict[str, list[float]]:
    """Ask for the screens in turn at a steady rate; what comes late is asked for at once."""
    found: dict[str, list[float]] = {name: [] for name in paths}
    names, began, index = list(paths), time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        time.sleep(max(0.0, began + index / (READS_A_SECOND * len(names)) - time.perf_counter()))
        name = names[index % len(names)]
        found[name].append(reader.timed(paths[name]))
        index += 1
    return found


class Storm(threading.Thread):
    """Alerts at a fixed rate, whatever the answers; bounded in time and number."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(name="storm", daemon=True)
        self._port, self._path = port, path
        self.taken = self.refused = 0
        self.answered: list[float] = []

    def run(self) -> None:
        """Send for the whole time."""
        door = HTTPConnection("127.0.0.1", self._port, timeout=30)
        batches = RATE * SECONDS // BATCH
        bodies = [json.dumps([_alert(batch, place) for place in range(BATCH)]) for batch in range(batches)]
        began = time.perf_counter()
        for batch, body in enumerate(bodies):
            time.sleep(max(0.0, began + batch * BATCH / RATE - time.perf_counter()))
            asked = time.perf_counter()
            door.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = door.getresponse()
            answer.read()
            self.answered.append((time.perf_counter() - asked) * 1000)
            if answer.status < 300:
                self.taken += BATCH
            else:
                self.refused += BATCH
            if time.perf_counter() - began > SECONDS * 2:
                break
        door.close()


def _alert(batch: int, place: int) -> dict[str, dict[str, str]]:
    """Half of them are new, half are known; they fall into twenty groups."""
    number_ = batch * BATCH + place if place < BATCH * FRESH_SHARE else place
    labels = {"alertname": "HostDown", "instance": f"web-{number_:05d}", "cluster": f"c{place * 2 + batch % 2:02d}"}
    return {"labels": labels, "annotations": {"summary": f"web-{number_:05d} is down"}}
