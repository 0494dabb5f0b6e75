"""Shifts as the calendar draws them: bars on a track, days with their marks, and a word on each clock change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from raglan.oncall.models import Schedule
from raglan.oncall.queries import NamedShift
from raglan.oncall.wall import change_days, start_of_day
from raglan.people.middleware import zone_of
from raglan.people.models import Person
from raglan.ui import svg, wording

DAYS = svg.CALENDAR_DAYS


@dataclass(frozen=True, slots=True)
class Bar:
    """One shift on the track."""

    band: svg.Band
    name: str
    you: bool
    swap: bool
    gap: bool
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """One rota."""

    name: str
    href: str
    shifts: list[Bar]


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A day on which the clocks of a place change."""

    day: date
    by: timedelta
    place: str

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        way = "forward" if self.by > timedelta() else "back"
        day = f"{self.day:%A} {self.day.day} {self.day:%B}"
        return f"{day}: clocks in {self.place} go {way} by {wording.span(abs(self.by))}."

    @property
    def mark(self) -> str:
        """Return it as short as a column head needs."""
        sign = "+" if self.by > timedelta() else "\N{MINUS SIGN}"
        return f"{sign}{wording.span(abs(self.by))}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Two weeks of rotas, as the reader's clock counts them."""

    first: date
    days: list[svg.Day]
    rows: list[Row]
    now: str
    clock_changes: list[ClockChange]

    @property
    def earlier(self) -> date:
        """Return where the two weeks before begin."""
        return self.first - timedelta(days=DAYS)

    @property
    def later(self) -> date:
        """Return where the two weeks after begin."""
        return self.first + timedelta(days=DAYS)


@dataclass(frozen=True, slots=True)
class Window:
    """Two weeks from a day on, for a reader whose zone may differ from those of the rotas."""

    first: date
    reader: Person
    at: datetime

    @property
    def zone(self) -> tzinfo:
        """Return the zone in which the reader's days begin."""
        return zone_of(self.reader)

    @property
    def starts_at(self) -> datetime:
        """Return the instant at which the first day begins."""
        return start_of_day(self.first, zone_of(self.reader))

    @property
    def ends_at(self) -> datetime:
        """Return the instant at which the last day ends."""
        return start_of_day(self.first + timedelta(days=DAYS), zone_of(self.reader))

    def draw(self, rows: Iterable[tuple[str, str, Sequence[NamedShift]]], zones: Iterable[str]) -> Calendar:
        """Lay rows of name, address and shifts on the track."""
        changes = self._clock_changes(zones)
        inside = self.starts_at <= self.at < self.ends_at
        return Calendar(
            first=self.first,
            days=self._days(changes),
            rows=[Row(name, href, [self._bar(shift) for shift in shifts]) for name, href, shifts in rows],
            now=f"{svg.position(self.at, self.zone, at=self.starts_at):.4f}" if inside else "",
            clock_changes=changes,
        )

    def _bar(self, shift: NamedShift) -> Bar:
        return Bar(
            band=svg.band(shift.starts_at, shift.ends_at, self.zone, at=self.starts_at),
            name=shift.names,
            you=self.reader in shift.people,
            swap=shift.override is not None,
            gap=shift.is_gap,
            note=_note(shift, self.reader),
        )

    def _days(self, changes: list[ClockChange]) -> list[svg.Day]:
        marks = {change.day: change.mark for change in changes if change.place == place_of(str(self.zone))}
        heads = svg.calendar_days(self.starts_at, self.zone)
        dates = [self.first + timedelta(days=n) for n in range(DAYS)]
        return [
            replace(head, label=f"{head.label} {marks[day]}") if day in marks else head
            for day, head in zip(dates, heads, strict=True)
        ]

    def _clock_changes(self, zones: Iterable[str]) -> list[ClockChange]:
        names = dict.fromkeys([str(self.zone), *zones])
        found = [
            ClockChange(day, by, place_of(name)) for name in names for day, by in change_days(name, self.first, DAYS)
        ]
        return sorted(found, key=lambda change: change.day)


def place_of(zone: str) -> str:
    """Return the place that names a zone, as words."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def _note(shift: NamedShift, reader: Person) -> str:
    if shift.override is None:
        return ""
    names = ["you" if person == reader else person.name for person in shift.instead_of]
    if names:
        return f"covers for {' and '.join(names)}"
    return "fills a gap"


def zones_of(rows: Iterable[Schedule]) -> list[str]:
    """Return the zones in which the turns of rotas are written; each rota with its turn orders is at hand."""
    return [rotation.time_zone or row.time_zone for row in rows for rotation in row.rotations.all()]


def first_day(word: str, today: date) -> date:
    """Return the day that an address asks for, today when it is none within a lifetime of the rota."""
    try:
        asked = date.fromisoformat(word)
    except ValueError:
        return today
    return asked if 1980 <= asked.year <= 2148 else today
