"""Positions for what is drawn: bars, the two-week calendar, fleets and QR codes. Pure arithmetic and plain markup."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from raglan.ui import wording

CALENDAR_DAYS = 14


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: what it is, how many, and how it is filled (solid, hatched or hollow, not by colour alone)."""

    kind: str
    count: int
    word: str
    fill: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One column head of the calendar."""

    label: str
    css: str


@dataclass(frozen=True, slots=True)
class Band:
    """Where a shift lies in the window: from `a` to `b`, both between 0 and 1, and the words for it."""

    a: str
    b: str
    words: str


def share(part: float, whole: float) -> str:
    """Return a part of a whole in per mille, at least one."""
    return f"{max(1.0, 1000 * part / whole):.0f}" if whole else "1"


def bar_words(parts: Iterable[Part], of: str) -> str:
    """Say in a sentence what a bar shows: Of 412 hosts: 171 back, 187 down."""
    seen = [part for part in parts if part.count]
    total = sum(part.count for part in seen)
    return f"Of {total:,} {of}: " + ", ".join(f"{part.count:,} {part.word}" for part in seen)


def calendar_window(at: datetime, zone: tzinfo, *, days: int = CALENDAR_DAYS) -> tuple[datetime, datetime]:
    """Return the window of the calendar: from the reader's midnight, so many days of the calendar long."""
    first = at.astimezone(zone).date()
    return _midnight(first, zone), _midnight(first + timedelta(days=days), zone)


def calendar_days(at: datetime, zone: tzinfo, *, days: int = CALENDAR_DAYS) -> list[Day]:
    """Return the column heads; weekends and a new month are marked."""
    first = at.astimezone(zone).date()
    return [_day(first + timedelta(days=n)) for n in range(days)]


def position(moment: datetime, zone: tzinfo, *, at: datetime, days: int = CALENDAR_DAYS) -> float:
    """Return where a moment lies, by calendar days of equal width: a day of 23 or 25 hours is as wide as any other."""
    first, local = at.astimezone(zone).date(), moment.astimezone(zone)
    begin, end = _midnight(local.date(), zone), _midnight(local.date() + timedelta(days=1), zone)
    within = (moment - begin) / (end - begin)
    return min(1.0, max(0.0, ((local.date() - first).days + within) / days))


def band(start: datetime, end: datetime, zone: tzinfo, *, at: datetime, days: int = CALENDAR_DAYS) -> Band:
    """Place one shift in the window and say when it is."""
    low, high = calendar_window(at, zone, days=days)
    return Band(
        a=f"{position(start, zone, at=at, days=days):.4f}",
        b=f"{position(end, zone, at=at, days=days):.4f}",
        words=_band_words(start, end, zone, low=low, high=high),
    )


def _band_words(start: datetime, end: datetime, zone: tzinfo, *, low: datetime, high: datetime) -> str:
    if start <= low and end >= high:
        return "all of these days"
    if start <= low:
        return f"until {_day_time(end, zone)}"
    if end >= high:
        return f"from {_day_time(start, zone)} on"
    return f"{_day_time(start, zone)} to {_day_time(end, zone)}"


def _day_time(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {wording.clock(moment, zone)}"


def _day(value: date) -> Day:
    css = "we" if value.weekday() >= 5 else ""
    return Day(label=f"{value:%a} {value.day}", css=f"{css} mo".strip() if value.day == 1 else css)


def _midnight(value: date, zone: tzinfo) -> datetime:
    return datetime.combine(value, time(), tzinfo=zone).astimezone(UTC)


FLEET_COLUMNS = 36
FLEET_CELL = 8


def fleet_path(cells: Sequence[int], shape: str) -> str:
    """Return one path with a mark at each cell of a grid: disc, triangle, square or ring."""
    marks = {
        "disc": "M{x} {y3}a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
        "triangle": "M{x3} {y}l3.2 6h-6.4z",
        "square": "M{x1} {y1}h4.4v4.4h-4.4z",
        "ring": "M{x1} {y3}a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0-4.4 0",
    }
    mark = marks[shape]
    return "".join(mark.format(**_corner(cell)) for cell in cells)


def _corner(cell: int) -> dict[str, str]:
    x, y = cell % FLEET_COLUMNS * FLEET_CELL, cell // FLEET_COLUMNS * FLEET_CELL
    return {"x": str(x), "x1": f"{x + 0.8:g}", "x3": str(x + 3), "y": str(y), "y1": f"{y + 0.8:g}", "y3": str(y + 3)}
