"""How nights, weekends and holidays fall in a schedule: by name, never ranked, for those who take turns there."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotAllowed
from raglan.oncall import events, queries
from raglan.oncall.feeds import spans
from raglan.oncall.ledger import Band, Hours, hours
from raglan.oncall.models import Holiday, RotationMember, Schedule
from raglan.people.middleware import zone_of
from raglan.people.models import Person

MAX_SPAN = timedelta(days=400)
MAX_HOLIDAYS = 400
YEARS = range(1970, 2150)


@dataclass(frozen=True, slots=True)
class Line:
    """What one person had."""

    person: Person
    hours: Hours

    @property
    def bands(self) -> list[float]:
        """The hours of each band, in order."""
        return [round(self.hours.by_band[band] / timedelta(hours=1), 2) for band in Band]

    @property
    def total(self) -> float:
        """All hours."""
        return round(self.hours.total / timedelta(hours=1), 2)


def may_see(schedule: Schedule, reader: Person) -> bool:
    """Say whether somebody may see the hours: who takes turns there, leads the team, or may configure."""
    if reader.may_configure:
        return True
    own = Q(rotation__schedule=schedule, rotation__withdrawn_at__isnull=True, person=reader)
    leads = schedule.team is not None and schedule.team.memberships.filter(person=reader, is_lead=True).exists()
    return leads or RotationMember.objects.filter(own).exists()


def lines(schedule: Schedule, start: datetime, end: datetime, *, reader: Person) -> list[Line]:
    """Return each person's hours between two instants, by name. Raises NotAllowed, BadInput."""
    if not may_see(schedule, reader):
        raise NotAllowed("The hours are seen by those who take turns here, the leads of the team and managers.")
    if not start < end <= start + MAX_SPAN:
        raise BadInput("end", f"must be after start, by {MAX_SPAN.days} days at most", status=422)
    holidays = set(Holiday.objects.filter(schedule=schedule).values_list("day", flat=True))
    by_person: dict[int, list[tuple[datetime, datetime]]] = {}
    for span in spans(queries.load(queries.schedule(schedule.slug)), start, end, by_words=False):
        by_person.setdefault(span.person, []).append((max(span.starts_at, start), min(span.ends_at, end)))
    people = Person.objects.in_bulk(by_person)
    found = [Line(people[pk], hours(times, zone_of(people[pk]), holidays)) for pk, times in by_person.items()]
    return sorted(found, key=lambda line: (line.person.name.casefold(), line.person.pk))


def as_csv(rows: Sequence[Line]) -> str:
    """Return hours as CSV. No cell can be taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "email", "time_zone", *(f"{band}_hours" for band in Band), "total_hours", "nights"])
    for row in rows:
        person = row.person
        writer.writerow(
            [_cell(person.name), _cell(person.email), person.time_zone, *row.bands, row.total, row.hours.nights]
        )
    return out.getvalue()


def _cell(text: str) -> str:
    """Return a text that a spreadsheet shows and does not run."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def read_holidays(text: str) -> list[tuple[date, str]]:
    """Read one holiday a line, a date and its name. Raises BadInput with the line."""
    found: dict[date, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        word, _, name = line.strip().partition(" ")
        if not word:
            continue
        try:
            day = date.fromisoformat(word)
        except ValueError:
            raise BadInput(
                "holidays", f"line {number}: write a date and a name, such as 2026-12-25 Christmas"
            ) from None
        if day.year not in YEARS:
            raise BadInput("holidays", f"line {number}: the year must be from {YEARS.start} to {YEARS.stop - 1}")
        found[day] = name.strip()[:80]
    if len(found) > MAX_HOLIDAYS:
        raise BadInput("holidays", f"{MAX_HOLIDAYS} days are enough")
    return sorted(found.items())


@atomic
def set_holidays(schedule: Schedule, days: Sequence[tuple[date, str]], *, actor: timeline.Subject) -> None:
    """Let these be the public holidays of a schedule. Safe to call twice."""
    before = list(Holiday.objects.filter(schedule=schedule).order_by("day").values_list("day", "name"))
    if before == sorted(days):
        return
    Holiday.objects.filter(schedule=schedule).delete()
    Holiday.objects.bulk_create(Holiday(schedule=schedule, day=day, name=name) for day, name in sorted(days))
    payload = events.HolidaysSet(schedule=schedule.pk, days=sorted(days))
    timeline.append(payload, actor=actor, about=[schedule, "oncall"])


def holidays_of(schedule: Schedule) -> str:
    """Return the public holidays as they are written."""
    rows = Holiday.objects.filter(schedule=schedule).order_by("day")
    return "\n".join(f"{row.day.isoformat()} {row.name}".strip() for row in rows)


def month_of(word: str) -> date:
    """Return the first day of the month that an address asks for, this month when it is none."""
    today = now().date()
    try:
        asked = date.fromisoformat(f"{word}-01")
    except ValueError:
        return today.replace(day=1)
    return asked if 1980 <= asked.year <= 2148 else today.replace(day=1)
