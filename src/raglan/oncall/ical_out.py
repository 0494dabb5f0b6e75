"""Shifts as iCalendar text, for programs that read calendars. Pure.

Times are in UTC, so that no zone has to be described. The UID of a shift is made of its schedule, its person and its
start; shifts longer than two months, which may have no end, are written month by month.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONG = timedelta(days=62)
FOLD = 73
ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift of one person. Without `email` nobody is written as the one who attends."""

    schedule_id: int
    schedule: str
    person_id: int
    name: str
    email: str
    starts_at: datetime
    ends_at: datetime
    words: str
    link: str
    changed_at: datetime
    sequence: int
    title: str = ""
    kind: str = "shift"


def months(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield a time whole, or month by month of UTC when it is long."""
    if end - start <= LONG:
        yield start, end
        return
    at = start
    while at < end:
        following = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
        yield at, min(following, end)
        at = following


def calendar(name: str, entries: Iterable[Entry]) -> str:
    """Return a whole calendar. The same shifts give the same text."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//raglan//on call//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for entry in entries:
        lines += _event(entry)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(entry: Entry) -> list[str]:
    start, changed = _stamp(entry.starts_at), _stamp(entry.changed_at)
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.kind}-{entry.schedule_id}-{entry.person_id}-{start}@raglan",
        f"DTSTAMP:{changed}",
        f"LAST-MODIFIED:{changed}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTART:{start}",
        f"DTEND:{_stamp(entry.ends_at)}",
        f"SUMMARY:{_text(entry.title or f'{entry.name} on call ({entry.schedule})')}",
        f"DESCRIPTION:{_text(entry.words)}",
        *_attendee(entry),
        f"URL:{entry.link}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _attendee(entry: Entry) -> list[str]:
    if not entry.email:
        return []
    return [f'ATTENDEE;CN="{_quoted(entry.name)}";PARTSTAT=ACCEPTED:mailto:{_quoted(entry.email)}']


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(words: str) -> str:
    return words.translate(ESCAPES)


def _quoted(words: str) -> str:
    """Return words for a quoted parameter or an address, which have no escapes."""
    return "".join(mark for mark in words if mark.isprintable() and mark != '"')


def _folded(line: str) -> Iterator[str]:
    """Yield a line in parts of at most 75 bytes; no character is torn."""
    part, size, lead = "", 0, ""
    for mark in line:
        width = len(mark.encode())
        if size + width > FOLD:
            yield lead + part
            part, size, lead = "", 0, " "
        part += mark
        size += width
    yield lead + part
