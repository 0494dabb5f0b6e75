"""Alerts into raglan and into a real Alertmanager in turn: new ones and repeats, large and small requests.

Alertmanager keeps its alerts in memory; raglan has committed each before it answers. Rounds alternate, the side that
begins changes, figures are medians and ratios are taken inside the run.
"""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import load, peer
from bench.floor import Floor
from bench.ground import Figure, running, set_up
from bench.rows import Rows, database_of

ROUNDS = 5
GROUPS = 448  # by name, service and cluster, rounded up to whole requests
SETTLE_S = 90
CALM_S = 3
AT_REST = 0.05  # of a core
AT_ONCE = 8  # requests in a commit of the rows alone


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load."""

    name: str
    batch: int
    alerts: int
    connections: int
    distinct: int = 0
    least: float = 1.0
    cpu: float = 1.0
    p99: float = 0.0


CASES = (
    Case("new, 64 a POST", 64, 6_400, 8, least=1.5, cpu=0.5),
    Case("new, 1 a POST, 64 connections", 1, 1_500, 64, least=1.0, p99=0.5),
    Case("repeats, 100 a POST", 100, 40_000, 16, distinct=2_000, least=4.0),
)


@dataclass(frozen=True, slots=True)
class Found:
    """One round of one side."""

    rate: float
    cpu_us: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Side:
    """A server that takes alerts."""

    name: str
    pid: int
    port: int
    path: str

    def take(self, case: Case, requests: Sequence[bytes]) -> Found:
        """Let it take one load."""
        before = load.cpu_s(self.pid)
        run = load.Loop(self.port, requests, case.connections).run()
        run.check(len(requests))
        used = load.cpu_s(self.pid) - before
        alerts = len(requests) * case.batch
        return Found(alerts / run.wall_s, used / alerts * 1e6, run.quantile_ms(0.99))


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Run every case, five rounds each."""
    if not peer.is_here():
        return [Figure("intake: prometheus-alertmanager is not installed", 0, "")]
    with ExitStack() as ended:
        ours = ended.enter_context(running(folder / "raglan"))
        pid, port = ended.enter_context(peer.alertmanager(folder / "peer"))
        path = set_up(ours.client, group_by=[])
        sides = (Side("raglan", ours.pid, ours.port, path), Side("Alertmanager", pid, port, "/api/v2/alerts"))
        warm_up(sides)
        figures = [figure for case in CASES for figure in _figures(case, _rounds(case, sides))]
        return [*figures, _rows_alone(CASES[0], folder, sides[0])]


def warm_up(sides: Sequence[Side]) -> None:
    """Open the groups that all rounds fall into, and let their pages go out before the clock starts."""
    for side in sides:
        opening = list(rendered(side, CASES[0], "warm", GROUPS))
        load.Loop(side.port, opening, 4).run().check(len(opening))
    for side in sides:
        _settle(side)


def _settle(side: Side) -> None:
    for _ in range(SETTLE_S // CALM_S):
        before = load.cpu_s(side.pid)
        time.sleep(CALM_S)
        if load.cpu_s(side.pid) - before < AT_REST * CALM_S:
            return


def _rounds(case: Case, sides: Sequence[Side]) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = {side.name: [] for side in sides}
    for number in range(ROUNDS):
        run = f"{case.batch}-{number}-{time.monotonic_ns()}"
        for side in sides if number % 2 else reversed(sides):
            if case.distinct:
                known = list(rendered(side, case, run, case.distinct))
                load.Loop(side.port, known, 4).run().check(len(known))
                requests = known * (case.alerts // case.distinct)
            else:
                requests = list(rendered(side, case, run, case.alerts))
            found[side.name].append(side.take(case, requests))
    return found


def rendered(side: Side, case: Case, run: str, alerts: int) -> Iterator[bytes]:
    """Give new alerts as they go over the wire, in requests of the size of a case."""
    for first in range(0, alerts, case.batch):
        items = [alert(run, first + index) for index in range(case.batch)]
        yield load.render(side.port, side.path, json.dumps(items, separators=(",", ":")).encode())


def alert(run: str, number: int) -> dict[str, object]:
    """Return one alert as Prometheus sends it: eight labels, three annotations, about 630 bytes."""
    service, team, share = f"checkout-{number % 400}", f"team-{number % 40}", f"{5 + number % 20}.{number % 10}%"
    labels = {
        "alertname": f"HighErrorRate{number % 50}",
        "severity": ("warning", "critical")[number % 2],
        "cluster": f"prod-eu-{number % 4}",
        "namespace": team,
        "service": service,
        "instance": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:9100",
        "pod": f"checkout-{run}-{number}",
        "job": "kubernetes-pods",
    }
    annotations = {
        "summary": f"Error rate of {service} is above 5% on {labels['instance']}",
        "description": f"The share of 5xx answers of {service} in {team} was {share} over the last five minutes.",
        "runbook_url": f"https://runbooks.example/{labels['alertname']}",
    }
    return {
        "labels": labels,
        "annotations": annotations,
        "startsAt": _stamp(-60),
        "endsAt": _stamp(600),
        "generatorURL": f"http://prometheus.example/graph?g0.expr=rate%28x%5B5m%5D%29+%3E+0.05&n={number}",
    }


def _stamp(offset: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + offset))


def _rows_alone(case: Case, folder: Path, ours: Side) -> Figure:
    """Measure what the rows of new alerts cost when nothing but them is done."""
    rows = Rows(database_of(folder / "raglan"), folder / "rows.sqlite3")
    ours.take(case, list(rendered(ours, case, f"rows-{time.monotonic_ns()}", case.alerts)))
    alone = rows.alone(commits=case.alerts // case.batch // AT_ONCE)
    each = alone.cpu_s / case.alerts * 1e6
    words = f"{alone.rows / case.alerts:.1f} rows an alert, {case.alerts / alone.wall_s:,.0f} alerts/s"
    return Figure(f"{case.name}: its rows alone, CPU an alert", each, "µs", None, words)


def _figures(case: Case, found: dict[str, list[Found]]) -> list[Figure]:
    ours, theirs = found["raglan"], found["Alertmanager"]
    rate, cpu, p99 = (_ratio(ours, theirs, name) for name in ("rate", "cpu_us", "p99_ms"))
    figures = [
        Figure(f"{case.name}: alerts a second", _median(ours, "rate"), "/s", None, _beside(rate, case.least, theirs)),
        Figure(
            f"{case.name}: CPU an alert",
            cpu,
            "×",
            case.cpu,
            f"{_median(ours, 'cpu_us'):.1f} µs to {_median(theirs, 'cpu_us'):.1f} of Alertmanager",
        ),
    ]
    words = f"{_median(ours, 'p99_ms'):.1f} ms to {_median(theirs, 'p99_ms'):.1f} of Alertmanager"
    return [*figures, Figure(f"{case.name}: p99", p99, "×", case.p99 or None, words)]


def _beside(rate: float, least: float, theirs: Sequence[Found]) -> str:
    verdict = "ok" if rate >= least else "beyond the goal"
    return f"{rate:.2f} × Alertmanager ({_median(theirs, 'rate'):.0f}/s), at least {least:g}: {verdict}"


def _median(rounds: Sequence[Found], name: str) -> float:
    return statistics.median(float(getattr(found, name)) for found in rounds)


def _ratio(ours: Sequence[Found], theirs: Sequence[Found], name: str) -> float:
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(float(getattr(a, name)) / float(getattr(b, name)) for a, b in pairs)
