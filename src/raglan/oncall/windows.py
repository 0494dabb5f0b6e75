"""Windows as people write them: `Mon-Fri 09:00-17:00`, one a line; and as they are kept. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import time

from raglan.oncall.turns import EVERY_DAY, Window

NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LINE = re.compile(
    r"^(?:(?P<days>[A-Za-z ,\u2013-]*?[A-Za-z])\s+)?(?P<low>[\d:]{4,5})\s*(?:-|\u2013|to)\s*(?P<high>[\d:]{4,5})$"
)
RANGE = re.compile(r"\s*(?:-|\u2013|\bto\b)\s*")


def parse_line(line: str) -> Window:
    """Read one window. Raises ValueError with a sentence."""
    found = LINE.match(line.strip())
    if found is None:
        raise ValueError(f"Write {line.strip()[:60]!r} as Mon-Fri 09:00-17:00.")
    days = parse_days(found["days"]) if found["days"] else EVERY_DAY
    return Window(parse_time(found["low"]), parse_time(found["high"]), days)


def parse_days(words: str) -> tuple[int, ...]:
    """Read weekdays: names, ranges that may pass the weekend, or `every day`. Raises ValueError with a sentence."""
    if words.strip().casefold() in ("every day", "daily"):
        return EVERY_DAY
    found: set[int] = set()
    for part in re.split(r",|\band\b", words):
        ends = [weekday(word) for word in RANGE.split(part.strip())]
        if len(ends) > 2:
            raise ValueError(f"Write {part.strip()[:40]!r} as Mon-Fri.")
        found |= {(ends[0] + n) % 7 for n in range((ends[-1] - ends[0]) % 7 + 1)}
    return tuple(sorted(found))


def weekday(word: str) -> int:
    """Return the number of a weekday; three letters are enough. Raises ValueError with a sentence."""
    key = word.strip().casefold()
    for number, name in enumerate(WEEKDAYS):
        if len(key) >= 3 and name.casefold().startswith(key):
            return number
    raise ValueError(f"{word.strip()[:40]!r} is not a weekday; write Mon, Tue, Wed, Thu, Fri, Sat or Sun.")


def parse_time(word: str) -> time:
    """Read a time of day; `24:00` is midnight. Raises ValueError with a sentence."""
    if word == "24:00":
        return time(0)
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", word)
    if found is None:
        raise ValueError(f"{word[:20]!r} is not a time of day; write it as 09:00.")
    return time(int(found[1]), int(found[2]), int(found[3] or 0))


def line_of(window: Window) -> str:
    """Return a window as it is written."""
    days = "" if window.weekdays == EVERY_DAY else f"{days_of(window.weekdays)} "
    return f"{days}{window.starts:%H:%M}-{window.ends:%H:%M}"


def days_of(days: Sequence[int]) -> str:
    """Return weekdays as words: ranges of three or more are written as such."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [
        f"{NAMES[run[0]]}-{NAMES[run[-1]]}" if len(run) > 2 else ", ".join(NAMES[day] for day in run) for run in runs
    ]
    return ", ".join(words)


def as_json(window: Window) -> dict[str, str | list[int]]:
    """Return a window as it is kept."""
    return {
        "from": window.starts.isoformat("minutes"),
        "to": window.ends.isoformat("minutes"),
        "weekdays": sorted(set(window.weekdays)),
    }


def from_json(kept: Mapping[str, object]) -> Window:
    """Read a window as it is kept."""
    days = kept["weekdays"]
    assert isinstance(days, list)
    return Window(time.fromisoformat(str(kept["from"])), time.fromisoformat(str(kept["to"])), tuple(days))
