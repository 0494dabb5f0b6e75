"""Who has heard of a hold: hosts that asked the gate, and what their reports say of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.changes.gate import STOP
from raglan.changes.hold_models import Hold, HoldHeard
from raglan.core.clock import now
from raglan.core.db import atomic

AT_ONCE = 500
MOST_HOST = 253


@dataclass(frozen=True, slots=True)
class Heard:
    """That a host asked under some holds, and whether it stopped."""

    host: str
    holds: tuple[str, ...]
    stopped: bool
    at: datetime
    source: str = "http"


def heard(host_name: str, holds: Sequence[str], answer: str, at: datetime) -> None:
    """Keep what a report says of the gate: under which holds, by name, the host asked, and what it did then."""
    heard_many([Heard(host_name, tuple(holds), answer == STOP, at, "report")])


@atomic
def heard_many(many: Iterable[Heard]) -> int:
    """Keep who has heard of which hold; the newest word of a host counts. Return how many rows were written.

    A name means the hold that had it at that time; a host that speaks of a hold that never was is not kept.
    """
    listed = [one for one in many if one.host and len(one.host) <= MOST_HOST]
    named = {name for one in listed for name in one.holds}
    if not named:
        return 0
    holds = list(Hold.objects.filter(name__in=named).order_by("-starts_at", "-pk")[: 10 * len(named)])
    rows: dict[tuple[int, str], HoldHeard] = {}
    for one in listed:
        at = min(one.at, now())
        for hold in _of(holds, one.holds, at):
            told = {"stopped": one.stopped, "source": one.source}
            _merge(rows, HoldHeard(hold=hold, host=one.host, first_at=at, last_at=at, **told))
    _join_stored(rows)
    HoldHeard.objects.bulk_create(
        rows.values(),
        batch_size=AT_ONCE,
        update_conflicts=True,
        unique_fields=["hold", "host"],
        update_fields=["first_at", "last_at", "stopped", "source"],
    )
    return len(rows)


def _of(holds: Sequence[Hold], names: Sequence[str], at: datetime) -> list[Hold]:
    """Return the hold of each name that was on at a time, else the newest of that name that had begun."""
    found = []
    for name in names:
        begun = [hold for hold in holds if hold.name == name and hold.starts_at <= at]
        if begun:
            found.append(begun[0])
    return found


def _merge(rows: dict[tuple[int, str], HoldHeard], row: HoldHeard) -> None:
    key = (row.hold_id, row.host)
    known = rows.get(key)
    if known is None:
        rows[key] = row
        return
    known.first_at = min(known.first_at, row.first_at)
    if row.last_at >= known.last_at:
        known.last_at, known.stopped, known.source = row.last_at, row.stopped, row.source


def _join_stored(rows: dict[tuple[int, str], HoldHeard]) -> None:
    """Take into account what is stored, in either order of arrival."""
    by_hold: dict[int, list[str]] = {}
    for hold, host in rows:
        by_hold.setdefault(hold, []).append(host)
    for hold, hosts in by_hold.items():
        for start in range(0, len(hosts), AT_ONCE):
            for stored in HoldHeard.objects.filter(hold_id=hold, host__in=hosts[start : start + AT_ONCE]):
                _merge(rows, stored)
