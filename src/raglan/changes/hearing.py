"""Who has heard of a hold: hosts that asked the gate, and what their reports say of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.changes.gate import STOP
from raglan.changes.hold_models import Hold, HoldHeard
from raglan.core import bus, timeline
from raglan.core.clock import now
from raglan.core.db import atomic, bulk, take_turn

AT_ONCE = 500
MOST_SOURCE = 8
TURN = "heard"
GATE = "gate"  # the name under which screens hear that hosts obeyed, or went on, while holds are on
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


@dataclass(slots=True)
class _Row:
    """What is known of one host under one hold; `pk` of one that is stored."""

    first_at: datetime
    last_at: datetime
    stopped: bool
    source: str
    pk: int = 0

    def join(self, other: "_Row") -> None:
        """Take in another word of the same host; the newest counts."""
        self.first_at = min(self.first_at, other.first_at)
        self.pk = self.pk or other.pk
        if other.last_at > self.last_at:
            self.last_at, self.stopped, self.source = other.last_at, other.stopped, other.source


Rows = dict[tuple[int, str], _Row]


@atomic
def heard_many(many: Iterable[Heard]) -> int:
    """Keep who has heard of which hold; the newest word of a host counts. Return how many rows were written.

    A name means the hold that had it at that time; a host that speaks of a hold that never was is not kept. It is done
    with few statements: while a fleet asks, this is done each second beside the answers.
    """
    listed = [one for one in many if one.host and len(one.host) <= MOST_HOST]
    named = {name for one in listed for name in one.holds}
    if not named:
        return 0
    take_turn(TURN)
    holds = list(Hold.objects.filter(name__in=named).order_by("-starts_at", "-pk")[: 10 * len(named)])
    rows = _rows_of(listed, holds)
    news = _join_stored(rows)
    _write(rows)
    if news:
        bus.publish([GATE, *(f"hold:{pk}" for pk in sorted(news))], timeline.newest_id())
    return len(rows)


def went_on() -> None:
    """Let screens of holds look again: hosts say that they asked and were told of none, while some are on."""
    at = now()
    if Hold.objects.filter(ended_at__isnull=True, starts_at__lte=at, ends_at__gt=at).exists():
        bus.publish([GATE], timeline.newest_id())


def _rows_of(listed: Iterable[Heard], holds: Sequence[Hold]) -> Rows:
    rows: Rows = {}
    for one in listed:
        at = min(one.at, now())
        for hold in _of(holds, one.holds, at):
            row = _Row(at, at, one.stopped, one.source[:MOST_SOURCE])
            known = rows.setdefault((hold.pk, one.host), row)
            if known is not row:
                known.join(row)
    return rows


def _write(rows: Rows) -> None:
    fresh = [(key, row) for key, row in rows.items() if not row.pk]
    keys = bulk.take_keys(HoldHeard, len(fresh))
    bulk.insert_rows(
        HoldHeard,
        ("id", "hold_id", "host", "first_at", "last_at", "stopped", "source"),
        [
            (key, hold, host, bulk.stamp(row.first_at), bulk.stamp(row.last_at), row.stopped, row.source)
            for key, ((hold, host), row) in zip(keys, fresh, strict=True)
        ],
    )
    bulk.update_rows(
        HoldHeard,
        ("first_at", "last_at", "stopped", "source"),
        [
            (bulk.stamp(row.first_at), bulk.stamp(row.last_at), row.stopped, row.source, row.pk)
            for row in rows.values()
            if row.pk
        ],
    )


def _of(holds: Sequence[Hold], names: Sequence[str], at: datetime) -> list[Hold]:
    """Return the hold of each name that was on at a time, else the newest of that name that had begun."""
    found = []
    for name in names:
        begun = [hold for hold in holds if hold.name == name and hold.starts_at <= at]
        if begun:
            found.append(begun[0])
    return found


def _join_stored(rows: Rows) -> set[int]:
    """Take into account what is stored, in either order of arrival; return the holds of which a screen shows more."""
    before: dict[tuple[int, str], bool] = {}
    by_hold: dict[int, list[str]] = {}
    for hold, host in rows:
        by_hold.setdefault(hold, []).append(host)
    for hold, hosts in by_hold.items():
        for start in range(0, len(hosts), AT_ONCE):
            stored = HoldHeard.objects.filter(hold_id=hold, host__in=hosts[start : start + AT_ONCE])
            told = stored.values_list("pk", "host", "first_at", "last_at", "stopped", "source")
            for pk, host, first_at, last_at, stopped, source in told:
                before[hold, host] = stopped
                rows[hold, host].join(_Row(first_at, last_at, stopped, source, pk))
    return {key[0] for key, row in rows.items() if before.get(key) != row.stopped}
