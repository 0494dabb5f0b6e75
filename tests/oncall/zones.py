"""Twelve zones whose clocks do different things, and the days on which they do them."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

TWELVE = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # until 2019 the missing hour was the first of the day
    "Africa/Cairo",  # midnight is missing in spring, and again since 2023
    "America/Havana",  # midnight happens twice in autumn
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # had no 30 December 2011
    "Asia/Kathmandu",  # never changes, and is 45 minutes off
    "Asia/Tehran",  # changed at midnight until 2022
    "Africa/Casablanca",  # goes back for Ramadan
    "America/St_Johns",  # changed at one past midnight until 2011
    "Pacific/Chatham",  # 45 minutes off, changes at 02:45
)


@cache
def clock_changes(name: str) -> tuple[datetime, ...]:
    """Return the hours, from 2009 to 2028, after a zone changed its clock; a zone that never does has plain ones."""
    zone = ZoneInfo(name)
    hours = (datetime(2009, 1, 1, tzinfo=UTC) + timedelta(hours=6 * n) for n in range(4 * 365 * 20))
    found = []
    before = None
    for at in hours:
        offset = at.astimezone(zone).utcoffset()
        if before is not None and offset != before:
            found.append(at)
        before = offset
    return tuple(found) or tuple(datetime(year, 3, 29, tzinfo=UTC) for year in (2019, 2024))
