"""Reads a foreign calendar in a process of its own, which may run into its limits without harm to anybody.

It is started as `python -m raglan.oncall.ical_worker`; a line of JSON and then the calendar come in, JSON goes
out once all of that is read. What can not be understood is counted and named, and the rest is used.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Component
from icalendar.error import BrokenCalendarProperty

from raglan.oncall.wall import first_instant

MAX_BYTES = 5 * 1024 * 1024
MAX_EVENTS = 20_000
MAX_OCCURRENCES = 5_000
MAX_NAMED = 40  # by one event
THINGS = ("ROOM", "RESOURCE")  # are invited as people are, and are nobody
CPU_S = 8
MEMORY = 1024 * 1024 * 1024
EVENT = re.compile(r"^BEGIN:VEVENT[ \t]*\r?\n.*?^END:VEVENT[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE | re.IGNORECASE)
FINE = re.compile(r"FREQ=(HOURLY|MINUTELY|SECONDLY)", re.IGNORECASE)
BOUND = re.compile(r"(UNTIL|COUNT)=", re.IGNORECASE)
Answer = dict[str, object]
Named = dict[tuple[str, str], int]  # mail address and name of everybody who is named, with a number each


class Refused(Exception):
    """The whole is no calendar, or beyond a limit."""


def main() -> None:
    """Answer on standard output; limits are set before anything is read."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        answer = read(body, ZoneInfo(asked["zone"]), *map(datetime.fromisoformat, (asked["start"], asked["end"])))
    except Refused as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "reading it takes too much memory"}
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


def read(body: bytes, zone: ZoneInfo, start: datetime, end: datetime) -> Answer:
    """Return the events between two instants, each with the numbers of those whom it names. Raises Refused."""
    if len(body) > MAX_BYTES:
        raise Refused("it is larger than 5 MiB")
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if not text[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise Refused("it is not a calendar" + (", but a web page" if "<html" in text[:2000].lower() else ""))
    if not re.search(r"^END:VCALENDAR", text, re.MULTILINE | re.IGNORECASE):
        raise Refused("it ends in the middle")
    blocks = EVENT.findall(text)
    if len(blocks) > MAX_EVENTS:
        raise Refused(f"it has more than {MAX_EVENTS} events")
    calendar, problems = _parsed(text, blocks)
    found: list[Answer] = []
    named: Named = {}
    for occurrence in _occurrences(calendar, start, end, problems):
        if len(found) >= MAX_OCCURRENCES:
            raise Refused(f"it has more than {MAX_OCCURRENCES} shifts")
        event = _event(occurrence, zone, problems, named)
        if event:
            found.append(event)
    return {"events": found, "people": list(named), "total": len(blocks), "problems": sorted(set(problems))[:20]}


def _parsed(text: str, blocks: list[str]) -> tuple[Component, list[str]]:
    """Return the calendar without events that can not be used; an event that breaks the parser is left out alone."""
    problems: list[str] = []
    frame = EVENT.sub("", text)
    calendar: Component
    try:
        calendar = Calendar.from_ical(text)
        events = [part for part in calendar.subcomponents if part.name == "VEVENT"]
    except Exception:  # whatever a foreign text does to a parser
        calendar, events = _one_by_one(frame, blocks, problems)
    rest = [part for part in calendar.subcomponents if part.name != "VEVENT"]
    calendar.subcomponents = [*rest, *(event for event in events if _is_usable(event, problems))]
    return calendar, problems


def _one_by_one(frame: str, blocks: list[str], problems: list[str]) -> tuple[Component, list[Component]]:
    try:
        calendar = Calendar.from_ical(frame)
    except Exception as error:
        raise Refused(f"it can not be read: {str(error)[:120]}") from None
    events = []
    cut = re.search(r"^END:VCALENDAR", frame, re.MULTILINE | re.IGNORECASE)
    assert cut is not None
    for block in blocks:
        try:
            one = Calendar.from_ical(frame[: cut.start()] + block + "END:VCALENDAR\r\n")
        except Exception as error:
            problems.append(f"an event can not be read: {str(error)[:80]}")
            continue
        events += [part for part in one.subcomponents if part.name == "VEVENT"]
    return calendar, events


def _is_usable(event: Component, problems: list[str]) -> bool:
    title = _title(event)
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        given = _get(event, name)
        if given is not None and (_wall(given) is None or _is_of_no_zone(given)):
            problems.append(f"{title}: {name} has a time or zone that is not known")
            return False
    if _get(event, "DTSTART") is None:
        problems.append(f"{title}: has no start")
        return False
    words = ";".join(str(getattr(rule, "to_ical", bytes)()) for rule in _all(_get(event, "RRULE")))
    if FINE.search(words) and not BOUND.search(words):
        problems.append(f"{title}: repeats finer than daily, without an end")
        return False
    return True


def _get(event: Component, name: str) -> object:
    value: object = event.get(name)
    return value


def _all(given: object) -> list[object]:
    """Return what stands under a name that may stand there several times."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _title(event: Component) -> str:
    return str(_get(event, "SUMMARY") or "an event")[:60]


def _wall(given: object) -> date | None:
    try:
        at = getattr(given, "dt", None)
    except BrokenCalendarProperty:
        return None
    return at if isinstance(at, date) else None


def _is_of_no_zone(given: object) -> bool:
    at = _wall(given)
    return bool(getattr(given, "params", {}).get("TZID")) and isinstance(at, datetime) and at.tzinfo is None


def _occurrences(calendar: Component, start: datetime, end: datetime, problems: list[str]) -> Iterator[Component]:
    try:
        yield from recurring_ical_events.of(calendar, skip_bad_series=True).between(start, end)
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"its repeats can not be worked out: {str(error)[:120]}") from None


def _event(event: Component, zone: ZoneInfo, problems: list[str], named: Named) -> Answer | None:
    if str(_get(event, "STATUS") or "").upper() == "CANCELLED":
        return None
    start, end = _wall(_get(event, "DTSTART")), _wall(_get(event, "DTEND")) or getattr(event, "end", None)
    if start is None or not isinstance(end, date):
        problems.append(f"{_title(event)}: has no time")
        return None
    low, high = _instant(start, zone), _instant(end, zone)
    if high <= low:
        return None
    invited = [one for one in _all(_get(event, "ATTENDEE")) if _param(one, "CUTYPE") not in THINGS]
    return {
        "start": low.isoformat(),
        "end": high.isoformat(),
        "summary": str(_get(event, "SUMMARY") or "")[:300],
        "ATTENDEE": _numbers([one for one in invited if _param(one, "PARTSTAT") != "DECLINED"], named),
        "DECLINED": _numbers([one for one in invited if _param(one, "PARTSTAT") == "DECLINED"], named),
        "ORGANIZER": _numbers(_all(_get(event, "ORGANIZER")), named),
    }


def _param(invited: object, name: str) -> str:
    return str(getattr(invited, "params", {}).get(name) or "").strip().upper()


def _numbers(people: list[object], named: Named) -> list[int]:
    """Return the number of each of these, once; whoever is new gets the next one."""
    found: dict[int, None] = {}
    for one in people[:MAX_NAMED]:
        mail = str(one).split(":", 1)[-1].strip().lower()[:254]
        name = str(getattr(one, "params", {}).get("CN") or "")[:120]
        found[named.setdefault((mail, name), len(named))] = None
    return list(found)


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    """Return an instant; days and floating times are read in the zone of the schedule."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a wall time, see below
    if value.tzinfo is None:
        return first_instant(value, zone)
    return value.astimezone(UTC)


if __name__ == "__main__":
    main()
