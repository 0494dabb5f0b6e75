"""Times of the week on a wall clock, such as `mon-fri 09:00-17:00`. Over midnight it belongs to the day it begins."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from raglan.core.errors import BadInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"\s*([a-z,\s-]+?)\s+(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s*", re.IGNORECASE)
MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Span:
    """Some days of the week, from one wall time to another. An end at or before the start is on the next day."""

    days: frozenset[int]
    start: time
    end: time

    def holds(self, local: datetime) -> bool:
        """Tell whether a local time lies within."""
        at, day = local.time(), local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= at < self.end
        return (day in self.days and at >= self.start) or ((day - 1) % 7 in self.days and at < self.end)


def parse_span(text: str, field: str) -> Span:
    """Read `mon-fri 09:00-17:00`, `sat,sun 00:00-24:00` or `daily 22:00-06:00`. Raises BadInput."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadInput(field, f"write a time such as mon-fri 09:00-17:00 instead of {text[:60]}", status=422)
    return Span(_days(found[1].lower(), field), _wall(found[2], field), _wall(found[3], field))


def _days(words: str, field: str) -> frozenset[int]:
    days: set[int] = set()
    for word in words.replace(" ", "").split(","):
        first, dash, last = word.partition("-")
        if word in ("daily", "every"):
            days |= set(range(7))
        elif first in DAYS and (last in DAYS if dash else True):
            start, end = DAYS.index(first), DAYS.index(last or first)
            days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
        else:
            raise BadInput(field, f"days are written {', '.join(DAYS)}, mon-fri or daily; not {word[:30]}", status=422)
    return frozenset(days)


def _wall(text: str, field: str) -> time:
    hours, _, minutes = text.partition(":")
    if (int(hours), int(minutes)) == (24, 0):
        return MIDNIGHT
    if int(hours) > 23 or int(minutes) > 59:
        raise BadInput(field, f"{text} is not a time of day", status=422)
    return time(int(hours), int(minutes))


def is_within(spans: Sequence[Span], zone: str, at: datetime) -> bool:
    """Tell whether an instant lies within one of the spans on the wall clock of a zone. No spans mean always."""
    if not spans:
        return True
    local = at.astimezone(ZoneInfo(zone))
    return any(span.holds(local) for span in spans)
