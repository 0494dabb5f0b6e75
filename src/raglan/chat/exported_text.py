"""Plain text of a chat: lines that begin with a time. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.chat.told import Reading, Told, name_of, note

# Whatever is read here takes time in proportion to its length: no run may be tried again from each of its places.
STAMP = re.compile(
    r"[\[(]?(?P<day>\d{4}-\d\d-\d\d)?[T ,]{0,3}(?P<time>\d{1,2}:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?[\])]?[\s,|-]{1,5}\s*+(?P<rest>\S.*)"
)
_ANGLED = re.compile(r"[<\[](?P<who>[^>\]]{1,60})[>\]]\s*(?P<text>.*)", re.DOTALL)
_COLON = re.compile(r"(?P<who>[^:]{1,60}):\s+(?P<text>.*)", re.DOTALL)


@dataclass(slots=True)
class _Open:
    """A line of plain text that may go on in the next one."""

    at: datetime
    author: str
    texts: list[str]


def plain(text: str, how: Reading, zone: ZoneInfo, problems: list[str]) -> Iterator[Told]:
    """Read lines that begin with a time; others go on with the one before."""
    seen: Counter[str] = Counter()
    lines: list[_Open] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = STAMP.match(line.lstrip())
        at = _moment(found, how, zone, lines[-1].at if lines else None) if found else None
        if found is None and lines:
            lines[-1].texts.append(line)
        elif found is not None and at is not None:
            who, words = _who(found["rest"])
            lines.append(_Open(at, name_of(how.names.get(who, who)), [words]))
        elif line.strip():
            why = "there is no day, and none was given" if found else "it does not begin with a time"
            note(problems, f"line {number} is left out: {why}")
    for one in lines:
        words = "\n".join(one.texts).strip()
        same = f"{one.at.isoformat()}|{one.author}|{words}"
        seen[same] += 1
        digest = hashlib.sha256(f"{same}|{seen[same]}".encode("utf-8", "replace")).hexdigest()
        yield Told(f"text-{digest[:40]}", one.at, one.author, words)


def _moment(found: re.Match[str], how: Reading, zone: ZoneInfo, before: datetime | None) -> datetime | None:
    """Return when a line was written. One without a day is of the same as the line before, or of the next day."""
    try:
        clock = time.fromisoformat(found["time"].zfill(5 if found["time"].count(":") == 1 else 8))
        given = date.fromisoformat(found["day"]) if found["day"] else None
    except ValueError:
        return None
    day = given or (before.astimezone(zone).date() if before else how.day)
    if day is None or not 1990 <= day.year <= 2200:
        return None
    if found["zone"]:
        offset = found["zone"].replace("Z", "+00:00")
        return _checked(datetime.fromisoformat(f"{day}T{clock}{offset}"))
    first = datetime.combine(day, clock, zone)
    if before is None or first.astimezone(UTC) >= before:
        return _checked(first)
    again = first.replace(fold=1)  # in autumn an hour comes twice
    if again.astimezone(UTC) >= before:
        return _checked(again)
    goes_on = given is None and before - first.astimezone(UTC) > timedelta(hours=12)
    return _checked(datetime.combine(day + timedelta(days=1), clock, zone) if goes_on else first)


def _checked(at: datetime) -> datetime | None:
    return at.astimezone(UTC) if 1990 <= at.year <= 2200 else None


def _who(rest: str) -> tuple[str, str]:
    """Return who said it, as `<rowan> text` or `Rowan: text`, and what."""
    found = _ANGLED.fullmatch(rest) or _COLON.fullmatch(rest)
    return (found["who"].strip(), found["text"]) if found else ("somebody", rest)
