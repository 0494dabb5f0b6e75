"""How times, spans, names and counts are written. Pure: the moment and the zone come in, words go out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def span(length: timedelta) -> str:
    """Write a length of time: 14 min, 1 h 14 min, 3 days."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        minutes = seconds % HOUR // MINUTE
        return f"{seconds // HOUR} h {minutes} min" if minutes else f"{seconds // HOUR} h"
    days = seconds // DAY
    return "1 day" if days == 1 else f"{days} days"


def age(moment: datetime, *, at: datetime) -> str:
    """Write how long ago a moment was, or how far ahead it is. times.js says the same in the browser."""
    seconds = int((at - moment).total_seconds())
    if -MINUTE < seconds < MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    words = _rough(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _rough(seconds: int) -> str:
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return f"{seconds // HOUR} h"
    days = seconds // DAY
    return "1 day" if days == 1 else f"{days} days"


def clock(moment: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
    """Write the time of day as the reader's clock shows it."""
    return moment.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def day(moment: datetime, zone: tzinfo, *, at: datetime) -> str:
    """Write the day as a heading: Today, Yesterday, Wednesday 18 November, and the year when it is another one."""
    local, today = moment.astimezone(zone), at.astimezone(zone)
    gap = (today.date() - local.date()).days
    if gap in (-1, 0, 1):
        return {-1: "Tomorrow", 0: "Today", 1: "Yesterday"}[gap]
    return long_day(local) if local.year == today.year else f"{long_day(local)} {local.year}"


def long_day(local: datetime) -> str:
    """Write a local date in full: Wednesday 18 November."""
    return f"{local:%A} {local.day} {local:%B}"


def when(moment: datetime, zone: tzinfo, *, at: datetime) -> str:
    """Write a moment as short as it can be and still be clear: 18:00, Fri 09:00, Fri 27 Nov 09:00."""
    local, today = moment.astimezone(zone), at.astimezone(zone)
    gap = abs((local.date() - today.date()).days)
    if gap == 0:
        return f"{local:%H:%M}"
    if gap < 7:
        return f"{local:%a} {local:%H:%M}"
    if local.year == today.year:
        return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"
    return f"{local.day} {local:%b} {local.year} {local:%H:%M}"


def iso(moment: datetime) -> str:
    """Write a moment for machines, in UTC and to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def zone_words(zone: tzinfo, *, at: datetime) -> str:
    """Name a zone with its distance from UTC: New York (UTC-5), with a real minus sign."""
    offset = at.astimezone(zone).utcoffset() or timedelta()
    name = str(zone).rsplit("/", 1)[-1].replace("_", " ")
    if not offset:
        return name if name in ("UTC", "GMT") else f"{name} (UTC)"
    minutes = abs(int(offset.total_seconds())) // MINUTE
    sign = "+" if offset > timedelta() else "\N{MINUS SIGN}"
    return f"{name} (UTC{sign}{minutes // 60}{f':{minutes % 60:02}' if minutes % 60 else ''})"


def initials(name: str) -> str:
    """Return up to two letters for a name: first and last word."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def listed(names: Sequence[str]) -> str:
    """Write names as people say them: Ana, Bo and Dee."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def in_a_line(text: str, most: int = 60) -> str:
    """Write a text in one line of at most so many letters; a longer one ends early, with a sign of it."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: 1 ask, 3 asks."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
