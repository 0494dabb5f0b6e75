"""Hours on call by band: day, night, weekend and public holiday, each hour in one of them. Pure.

A band is a matter of the person's own wall clock. A public holiday comes before a weekend, a weekend before a night.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from raglan.oncall.turns import DAY
from raglan.oncall.wall import first_instant

NIGHT_ENDS, NIGHT_STARTS = time(6), time(22)
WEEKEND = (5, 6)
Span = tuple[datetime, datetime]


class Band(StrEnum):
    """A kind of hours."""

    DAY = "day"
    NIGHT = "night"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Hours:
    """What somebody had of each band, and in how many nights."""

    by_band: dict[Band, timedelta]
    nights: int

    @property
    def total(self) -> timedelta:
        """All of it."""
        return sum(self.by_band.values(), timedelta())


def hours(spans: Iterable[Span], zone: ZoneInfo, holidays: Collection[object]) -> Hours:
    """Return the hours of some times by band; `holidays` are dates."""
    by_band = dict.fromkeys(Band, timedelta())
    nights: set[object] = set()
    for start, end in spans:
        for low, high, local in _parts(start, end, zone):
            by_band[_band(local, holidays)] += high - low
            if _is_night(local.time()):
                nights.add((local - timedelta(hours=NIGHT_ENDS.hour)).date())  # a night belongs to its evening
    return Hours(by_band, len(nights))


def _band(local: datetime, holidays: Collection[object]) -> Band:
    if local.date() in holidays:
        return Band.HOLIDAY
    if local.weekday() in WEEKEND:
        return Band.WEEKEND
    return Band.NIGHT if _is_night(local.time()) else Band.DAY


def _is_night(at: time) -> bool:
    return at >= NIGHT_STARTS or at < NIGHT_ENDS


def _parts(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Yield a time cut where bands can change, each part with a wall time that is in its band."""
    day = start.astimezone(zone).date() - DAY
    edges = [start]
    while edges[-1] < end:
        for mark in (time(0), NIGHT_ENDS, NIGHT_STARTS):
            at = first_instant(datetime.combine(day, mark), zone)
            if edges[-1] < at:
                yield edges[-1], min(at, end), edges[-1].astimezone(zone).replace(tzinfo=None)
                edges.append(min(at, end))
            if edges[-1] >= end:
                return
        day += DAY
