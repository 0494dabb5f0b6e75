"""What the edge hands over: reports and runs of many requests, stored in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.core.db import atomic
from raglan.fleet import cases, run_batches, taking
from raglan.fleet.ports import RunTold
from raglan.fleet.reports import Received
from raglan.fleet.sources import FleetKey

LEAST_KB = 16  # so that a group of the smallest reports is not too many


@dataclass(frozen=True, slots=True)
class Handed:
    """What one request told: a report, or runs. `size` is its share of the queue, in KiB."""

    source: FleetKey
    size: int
    received_at: datetime
    report: Received | None = None
    runs: Sequence[RunTold] = ()


def size_of(body: bytes) -> int:
    """Return the share of the queue that a body takes."""
    return max(LEAST_KB, len(body) // 1024)


@atomic
def take(batch: Sequence[Handed]) -> list[cases.Result]:
    """Store what many requests told; return what became of each."""
    reports = [one.report for one in batch if one.report is not None]
    taken = iter(taking.take_reports(reports) if reports else ())
    told = [run_batches.Told(run, one.source.id, one.received_at) for one in batch for run in one.runs]
    if told:
        run_batches.take_runs(told)
    return [next(taken) if one.report is not None else cases.Taken.TAKEN for one in batch]
