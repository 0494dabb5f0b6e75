"""Rows of hosts as reports need them: read for many at once, written for many at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

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
    gate_asked_at: datetime | None = None
    silent_at: datetime | None = None
    silent_since: datetime | None = None
    retired_at: datetime | None = None


COLUMNS = tuple(field.name for field in fields(Standing))
HEARD = ("last_heard_at", "reported_at", "report_interval_s", "clock_offset_s", "seq", "silent_at")
STATE = (
    *("key", "name", "machine", "boot", "previous_boot", "doubted_since", "shared_since"),
    *("packages_id", "packages_digest", "units_id", "units_digest", "failed_units", "silent_since", "retired_at"),
)


def find(keys: Collection[str]) -> dict[str, Standing]:
    """Return hosts by their keys; on PostgreSQL nobody else changes them until the end of the transaction."""
    rows = Host.objects.filter(key__in=keys)
    if bulk.is_postgresql():
        rows = rows.select_for_update().order_by("pk")
    return {row[1]: Standing(*row) for row in rows.values_list(*COLUMNS)}


def key_of(told: HostTold) -> str:
    """Return the key of a host."""
    return f"{told.machine}/{told.name}"


def write(hosts: Sequence[Standing], columns: Sequence[str]) -> None:
    """Store some columns of hosts."""
    rows = [[_prepared(getattr(host, name)) for name in (*columns, "id")] for host in hosts]
    bulk.update_rows(Host, columns, rows)


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
