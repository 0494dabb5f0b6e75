"""Rows of hosts as reports need them: read for many at once, written for many at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from raglan.core.db import bulk
from raglan.fleet.models import Host
from raglan.fleet.ports import HostTold

ALLOWED_MISSES = 3
LEAST_S = 15 * 60
UNKNOWN_S = 6 * 3600  # of a host that was heard once
MOST_INTERVAL_S = 14 * 86_400


@dataclass(slots=True)
class Standing:
    """What is known of a host, as far as a report may change it; named as the columns."""

    id: int
    key: str
    name: str
    machine: str
    first_heard_at: datetime
    last_heard_at: datetime
    cluster: str = ""
    role: str = ""
    environment: str = ""
    told_digest: str = ""
    reported_at: datetime | None = None
    report_interval_s: int = 0
    run_interval_s: int = 0
    clock_offset_s: int = 0
    boot: str = ""
    seq: int = 0
    previous_boot: str = ""
    doubted_since: datetime | None = None
    shared_since: datetime | None = None
    packages_id: int | None = None
    packages_digest: str = ""
    units_id: int | None = None
    units_digest: str = ""
    failed_units: int = 0
    starts_digest: str = ""
    aside: int = 0
    gate_asked_at: datetime | None = None
    silent_at: datetime | None = None
    silent_since: datetime | None = None
    retired_at: datetime | None = None


COLUMNS = tuple(field.name for field in fields(Standing))
TIMES = tuple(name for name in COLUMNS if name.endswith(("_at", "_since")))
HEARD = ("last_heard_at", "reported_at", "report_interval_s", "clock_offset_s", "seq", "silent_at")
STATE = (
    *("key", "name", "machine", "boot", "previous_boot", "doubted_since", "shared_since", "packages_id"),
    *("packages_digest", "units_id", "units_digest", "failed_units", "silent_since", "retired_at", "aside"),
)


def find(keys: Collection[str]) -> dict[str, Standing]:
    """Return hosts by their keys; on PostgreSQL nobody else changes them until the end of the transaction."""
    if bulk.is_postgresql():
        rows = Host.objects.filter(key__in=keys).select_for_update().order_by("pk").values_list(*COLUMNS)
        return {row[1]: Standing(*row) for row in rows}
    return {row[1]: Standing(*_with_times(row)) for row in bulk.select_by(Host, COLUMNS, "key", keys, times=TIMES)}


_PLACES = tuple(place for place, name in enumerate(COLUMNS) if name in TIMES)


def _with_times(row: tuple[Any, ...]) -> list[Any]:
    """Return a row with its times read from their texts."""
    values = list(row)
    for place in _PLACES:
        if (text := values[place]) is not None:
            values[place] = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return values


def key_of(told: HostTold) -> str:
    """Return the key of a host."""
    return f"{told.machine}/{told.name}"


def write_heard(hosts: Sequence[Standing]) -> None:
    """Store when hosts were heard."""
    stamp = bulk.stamp
    rows = [
        (
            stamp(host.last_heard_at),
            stamp(host.reported_at),
            host.report_interval_s,
            host.clock_offset_s,
            host.seq,
            stamp(host.silent_at),
            host.id,
        )
        for host in hosts
    ]
    bulk.update_rows(Host, HEARD, rows)


def write_state(hosts: Sequence[Standing]) -> None:
    """Store what else changed on hosts."""
    bulk.update_rows(Host, STATE, [[_prepared(getattr(host, name)) for name in (*STATE, "id")] for host in hosts])


def _prepared(value: object) -> bulk.Value:
    match value:
        case datetime():
            return bulk.stamp(value)
        case str() | int() | None:
            return value
        case _:
            raise TypeError(f"{value!r} is not prepared for storage")


def silence_begins(host: Standing, heard_at: datetime) -> datetime:
    """Return from when on a host that was heard now is silent for longer than it uses to be."""
    usual = host.report_interval_s or host.run_interval_s
    return heard_at + timedelta(seconds=max(ALLOWED_MISSES * usual, LEAST_S) if usual else UNKNOWN_S)


def usual_interval(known: int, seen: timedelta) -> int:
    """Return the interval at which a host is heard, by what was known and what was seen now."""
    seconds = min(round(seen.total_seconds()), MOST_INTERVAL_S)
    if seconds < 1:
        return known
    return round(0.7 * known + 0.3 * seconds) if known else seconds
