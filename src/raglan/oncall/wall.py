"""The wall clock of a zone: at which instant it first shows a time, and on which days it is changed. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the wall clock of a zone reaches or passes a naive time.

    In a doubled hour that is the first of the two; in a missing hour, or on a skipped day, the first instant after it.
    """
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return early  # it is shown; fold 0 is the first of two
    # The clock jumps over it. Fold 1 reads it with the offset after the jump, so it lies before the jump; fold 0 after.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), early
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day really begins."""
    return first_instant(datetime.combine(day, time.min), zone)


def is_shown(wall: datetime, zone: ZoneInfo) -> bool:
    """Say whether the wall clock ever shows a naive time; a change in spring skips some."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall


def change_days(time_zone: str, start: date, days: int) -> list[tuple[date, timedelta]]:
    """Return the days on which the clock of a zone is changed, with by how much it goes forward."""
    zone = ZoneInfo(time_zone)
    offsets = [start_of_day(start + timedelta(days=n), zone).astimezone(zone).utcoffset() for n in range(days + 1)]
    return [
        (start + timedelta(days=n), after - before)
        for n, (before, after) in enumerate(pairwise(offsets))
        if before is not None and after is not None and before != after
    ]
