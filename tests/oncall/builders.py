"""Rotas for tests, at times that are counted from now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta

from raglan.core.clock import CLOCK, now
from raglan.oncall import actions
from raglan.oncall.models import Override, Schedule
from raglan.people.models import Person, Team

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday at noon
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@contextmanager
def standing_at(at: datetime) -> Iterator[None]:
    """Move time to an instant; it goes on from there. The clock is put back after each test."""
    CLOCK.move(at - now())
    yield


def draft(
    *people: Person | tuple[int, ...], starts_on: date = date(2026, 1, 5), weekday: int = 0, zone: str = ""
) -> actions.RotationDraft:
    """Return a weekly turn order that hands over on Mondays at 09:00."""
    who = [person.pk if isinstance(person, Person) else person for person in people]
    return actions.RotationDraft(who, starts_on, weekday, time(9), 1, zone)


def rota(*people: Person, slug: str = "web", team: Team | None = None, zone: str = "UTC") -> Schedule:
    """Return a rota that began in January 2026."""
    return actions.create_schedule(
        name=slug.title(), slug=slug, team=team, time_zone=zone, rotation=draft(*people), actor="raglan"
    )


def cover(schedule: Schedule, person: Person, start: datetime, end: datetime, reason: str = "") -> Override:
    """Let a person take a time."""
    return actions.add_override(schedule, actions.OverrideDraft(person, start, end, reason), by=person)
