"""From the POST of an alert to its webhook, beside an Alertmanager that waits for nothing; a storm; a dead receiver.

Every alert is a group and a page of its own on both sides, and both tell the same small receiver. raglan has committed
alert, page and message before it answers, signs each message and keeps what became of it.
"""

import asyncio
import json
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from bench import load, peer
from bench.floor import Floor
from bench.ground import Figure, Running, percentile, running, set_up
from bench.intake import Side
from bench.rows import Rows, database_of
from raglan.cli.children import free_port
from raglan.demo.client import number

LIGHT, RATE, WARM = 300, 50, 20
STORM, BATCH, CONNECTIONS = 5_000, 100, 8
DOWN, DOWN_BATCH = 100_000, 1_000
PATIENCE_S = 240
SETTLE_S = 5
HOOK_BYTES = 1_000
MARK = re.compile(rb"mark-[a-z]+-\d+-\d+")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Door(asyncio.Protocol):
    """Answers each POST at once, and notes when it came."""

    def __init__(self, note: Callable[[bytes], None]) -> None:
        self._note = note
        self._have = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take whole requests out of what has come."""
        self._have += data
        while (end := self._have.find(b"\r\n\r\n")) >= 0:
            said = LENGTH.search(self._have, 0, end)
            whole = end + 4 + (int(said[1]) if said else 0)
            if len(self._have) < whole:
                return
            if found := MARK.search(self._have, end, whole):
                self._note(found[0])
            self._have = self._have[whole:]
            assert isinstance(self._transport, asyncio.Transport)
            self._transport.write(TAKEN)


class Receiver:
    """A web server on a thread that keeps nothing but the time at which each mark arrived."""

    def __init__(self) -> None:
        self.arrived: dict[bytes, float] = {}
        self._counts: Counter[bytes] = Counter()
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opened = self._loop.create_server(lambda: _Door(self._note), "127.0.0.1", self.port, backlog=512)
        asyncio.run_coroutine_threadsafe(opened, self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _note(self, mark: bytes) -> None:
        if mark not in self.arrived:
            self.arrived[mark] = time.perf_counter()
            self._counts[mark.split(b"-")[1]] += 1

    def wait(self, name: str, count: int) -> float:
        """Wait until so many marks of a name are here; return when the last came. Raises SystemExit after long."""
        until = time.perf_counter() + PATIENCE_S
        while self._counts[name.encode()] < count:
            if time.perf_counter() > until:
                raise SystemExit(f"{self._counts[name.encode()]} of {count} webhooks arrived within {PATIENCE_S} s")
            time.sleep(0.02)
        return max(at for mark, at in self.arrived.items() if mark.split(b"-")[1] == name.encode())


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Light load and a storm, on both sides with a receiver that answers."""
    if not peer.is_here():
        return [Figure("hooks: prometheus-alertmanager is not installed", 0, "")]
    with ExitStack() as ended:
        receiver = ended.enter_context(Receiver())
        ours = ended.enter_context(_raglan(folder / "raglan", receiver.port))
        theirs = ended.enter_context(_alertmanager(folder / "peer", receiver.port))
        for side in (theirs, ours):
            _light(side, receiver, f"warm{side.name[0].lower()}", WARM)
        light = {side.name: _light(side, receiver, f"light{side.name[0].lower()}", LIGHT) for side in (theirs, ours)}
        rows = Rows(database_of(folder / "raglan"), folder / "rows.sqlite3")
        storms = {side.name: _storm(side, receiver) for side in (theirs, ours)}
        alone = _rows_alone(rows), _posts_alone(receiver)
    return [
        *_light_figures(light[ours.name], light[theirs.name]),
        *_storm_figures(storms[ours.name], storms[theirs.name]),
        *alone,
    ]


def measure_down(folder: Path, _ground: Floor) -> list[Figure]:
    """Many alerts in groups of one: rate and memory with a receiver that is down, beside the same with it up."""
    found: dict[str, tuple[float, float]] = {}
    with ExitStack() as ended:
        receiver = ended.enter_context(Receiver())
        for name, port in (("up", receiver.port), ("down", free_port())):
            with _raglan(folder / name, port) as side:
                found[name] = _filled(side, name)
    (up_rate, up_memory), (rate, memory) = found["up"], found["down"]
    return [
        Figure(
            "receiver down: share of the rate with it up", rate / up_rate, "×", None, _least(rate / up_rate, up_rate)
        ),
        Figure(
            "receiver down: memory", memory / up_memory, "×", 1.5, f"{memory:.0f} MiB to {up_memory:.0f} with it up"
        ),
    ]


def _least(share: float, rate: float) -> str:
    return f"of {rate:.0f}/s, {DOWN:,} alerts, at least 0.8: {'ok' if share >= 0.8 else 'beyond the goal'}"


def _filled(side: Side, name: str) -> tuple[float, float]:
    requests = list(_rendered(side, name, DOWN, DOWN_BATCH))
    run = load.Loop(side.port, requests, CONNECTIONS // 2).run()
    run.check(len(requests))
    return DOWN / run.wall_s, load.memory_mib(side.pid)


@contextmanager
def _raglan(folder: Path, port: int) -> Iterator[Side]:
    """Serve with one person whose only way is the receiver, and a page for each alert."""
    with running(folder, {"RAGLAN_ALLOW_NETWORKS": "127.0.0.0/8"}) as server:
        path = set_up(server.client, group_by=["pod"])
        _only_by(server, f"http://127.0.0.1:{port}/hook")
        yield Side("raglan", server.pid, server.port, path)


def _only_by(server: Running, address: str) -> None:
    me = server.client.get("/whoami")
    ways = f"/people/{number(me, 'person_id') if isinstance(me, dict) else 0}/contact-methods"
    old = [number(way) for way in server.client.rows(ways)]
    server.client.post(ways, {"kind": "webhook", "address": address})
    for way in old:
        server.client.delete(f"/contact-methods/{way}")


@contextmanager
def _alertmanager(folder: Path, port: int) -> Iterator[Side]:
    with peer.alertmanager(folder, peer.AT_ONCE.format(port=port)) as (pid, own):
        yield Side("Alertmanager", pid, own, "/api/v2/alerts")


def _light(side: Side, receiver: Receiver, name: str, count: int) -> list[float]:
    """Send single alerts at a steady rate; return the milliseconds until each webhook."""
    door = HTTPConnection("127.0.0.1", side.port, timeout=30)
    sent: dict[bytes, float] = {}
    began = time.perf_counter()
    for index in range(count):
        time.sleep(max(0.0, began + index / RATE - time.perf_counter()))
        mark, alert = _alert(name, index)
        sent[mark] = time.perf_counter()
        door.request("POST", side.path, json.dumps([alert]), {"Content-Type": "application/json"})
        answer = door.getresponse()
        answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{side.name} answered an alert with {answer.status}")
    receiver.wait(name, count)
    return [(receiver.arrived[mark] - at) * 1000 for mark, at in sent.items()]


def _storm(side: Side, receiver: Receiver) -> tuple[float, float]:
    """Send all at once; return the seconds until the last webhook, and the processor's milliseconds a page."""
    name = f"storm{side.name[0].lower()}"
    requests = list(_rendered(side, name, STORM, BATCH))
    before, began = load.cpu_s(side.pid), time.perf_counter()
    load.Loop(side.port, requests, CONNECTIONS).run().check(len(requests))
    last = receiver.wait(name, STORM)
    return last - began, (load.cpu_s(side.pid) - before) / STORM * 1000


def _rows_alone(rows: Rows) -> Figure:
    """Measure what the rows of the storm cost when nothing but them is done."""
    time.sleep(SETTLE_S)  # what was sent is recorded behind
    alone = rows.alone(commits=STORM // BATCH)
    words = f"{alone.rows / STORM:.1f} rows a page, all in {alone.wall_s:.2f} s"
    return Figure("storm: its rows alone, CPU a page", alone.cpu_s / STORM * 1000, "ms", None, words)


def _posts_alone(receiver: Receiver) -> Figure:
    """Measure what as many webhooks cost when nothing but them is done, by the leanest client there is."""
    body = json.dumps({"page": {"title": "x" * HOOK_BYTES}}).encode()
    posts = [load.render(receiver.port, "/hook", body)] * STORM
    used = time.thread_time()
    run = load.Loop(receiver.port, posts, CONNECTIONS).run()
    run.check(STORM)
    words = f"all in {run.wall_s:.2f} s"
    return Figure("storm: its POSTs alone, CPU a page", (time.thread_time() - used) / STORM * 1000, "ms", None, words)


def _rendered(side: Side, name: str, count: int, batch: int) -> Iterator[bytes]:
    for first in range(0, count, batch):
        items = [_alert(name, first + index)[1] for index in range(batch)]
        yield load.render(side.port, side.path, json.dumps(items, separators=(",", ":")).encode())


def _alert(name: str, index: int) -> tuple[bytes, dict[str, object]]:
    mark = f"mark-{name}-{index // 100}-{index}"
    labels = {
        "alertname": "HostDown",
        "cluster": f"prod-eu-{index % 4}",
        "service": f"checkout-{index % 400}",
        "pod": mark,
    }
    return mark.encode(), {"labels": labels, "annotations": {"summary": f"{mark} is down"}}


def _light_figures(ours: Sequence[float], theirs: Sequence[float]) -> list[Figure]:
    p50 = statistics.median(ours), statistics.median(theirs)
    beside = f"{p50[0]:.1f} ms to {p50[1]:.1f} of Alertmanager, {RATE} a second"
    return [
        Figure("POST to webhook, p50", p50[0] / p50[1], "×", 2.0, beside),
        Figure(
            "POST to webhook, p99", percentile(ours, 0.99), "ms", 25, f"{percentile(theirs, 0.99):.1f} of Alertmanager"
        ),
    ]


def _storm_figures(ours: tuple[float, float], theirs: tuple[float, float]) -> list[Figure]:
    beside = f"{ours[0]:.2f} s to {theirs[0]:.2f} of Alertmanager"
    return [
        Figure(f"storm of {STORM:,} pages: the last webhook", ours[0] / theirs[0], "×", 0.5, beside),
        Figure("storm: CPU a page", ours[1] / theirs[1], "×", None, f"{ours[1]:.2f} ms to {theirs[1]:.2f}"),
    ]
