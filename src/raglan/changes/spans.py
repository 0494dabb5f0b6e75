"""How long, as people write it: `30 min`, `2h`, `1 day`. Pure, and quick to load."""

import re
from datetime import timedelta

from raglan.core.errors import BadInput

SPAN = re.compile(r"(\d{1,5}(?:\.\d)?) ?(m|min|mins|minutes?|h|hours?|d|days?)", re.IGNORECASE)
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read(text: str, *, field: str = "for") -> timedelta:
    """Return a span. Raises BadInput with an example."""
    found = SPAN.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise BadInput(field, "write it as 30 min, 2 h or 1 day", status=422)
    return float(found[1]) * UNITS[found[2][0].casefold()]
