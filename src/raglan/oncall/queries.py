"""Reads of on call. All of them go through the pure `resolve`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Prefetch, Q, QuerySet

from raglan.catalog.models import Service
from raglan.core.clock import now
from raglan.core.errors import NotFound
from raglan.oncall import resolve
from raglan.oncall.models import Override, Rotation, RotationMember, Schedule
from raglan.people.models import Person


@dataclass(frozen=True, slots=True)
class Duty:
    """A rota at an instant: who, until when, and who follows."""

    schedule: Schedule
    person: Person | None
    why: str
    until: datetime
    next_person: Person | None
    next_from: datetime | None

    @property
    def is_covered(self) -> bool:
        """Whether somebody is on call."""
        return self.person is not None


@dataclass(frozen=True, slots=True)
class NamedShift:
    """A shift with its person; None is a gap."""

    starts_at: datetime
    ends_at: datetime
    person: Person | None
    override: int | None


def schedules() -> QuerySet[Schedule]:
    """All schedules with what the arithmetic needs, in four queries."""
    members = Prefetch("members", RotationMember.objects.order_by("position"))
    rotations = Prefetch("rotations", Rotation.objects.prefetch_related(members).order_by("pk"))
    counts = Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=F("starts_at"))
    overrides = Prefetch("overrides", Override.objects.filter(counts).order_by("pk"))
    return Schedule.objects.select_related("team").prefetch_related(rotations, overrides).order_by("name", "pk")


def schedule(slug: str) -> Schedule:
    """Return a schedule. Raises NotFound."""
    found = schedules().filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such rota.")
    return found


def load(schedule: Schedule) -> resolve.Schedule:
    """Return a schedule as the arithmetic reads it."""
    return resolve.Schedule(
        time_zone=schedule.time_zone,
        rotations=tuple(
            resolve.Rotation(
                id=rotation.pk,
                participants=tuple(member.person_id for member in rotation.members.all()),
                starts_on=rotation.starts_on,
                handoff_weekday=rotation.handoff_weekday,
                handoff_time=rotation.handoff_time,
                weeks=rotation.weeks,
            )
            for rotation in schedule.rotations.all()
        ),
        overrides=tuple(
            resolve.Override(item.pk, item.person_id, item.starts_at, item.ends_at) for item in schedule.overrides.all()
        ),
    )


def people_on_call(schedule_id: int, at: datetime) -> list[tuple[Person, str]]:
    """Return who is on call for a schedule at an instant, with why; empty in a gap."""
    found = schedules().filter(pk=schedule_id).first()
    if found is None:
        return []
    answer = resolve.who_is_on_call(load(found), at)
    people = Person.objects.filter(pk=answer.person or 0, is_active=True)
    return [(person, f"on call for {found.name}: {answer.why}") for person in people]


def current(at: datetime | None = None) -> list[Duty]:
    """Return all rotas at an instant, with who follows. The number of queries does not grow with the rotas."""
    at = at or now()
    found = []
    for item in schedules():
        pure = load(item)
        found.append((item, resolve.who_is_on_call(pure, at), resolve.next_after(pure, at)))
    people = _people(pk for _, who, following in found for pk in (who.person, following.person if following else None))
    return [
        Duty(
            schedule=item,
            person=people.get(who.person or 0),
            why=who.why,
            until=who.until,
            next_person=people.get((following.person if following else 0) or 0),
            next_from=following.starts_at if following else None,
        )
        for item, who, following in found
    ]


def shifts_between(schedule: Schedule, start: datetime, end: datetime) -> list[NamedShift]:
    """Return a schedule's shifts and gaps between two instants, at most 400 days."""
    return _named(resolve.shifts(load(schedule), start, end))


def _named(found: list[resolve.Shift]) -> list[NamedShift]:
    people = _people(shift.person for shift in found)
    return [
        NamedShift(shift.starts_at, shift.ends_at, people.get(shift.person or 0), shift.override) for shift in found
    ]


def calendar(start: datetime, days: int) -> list[tuple[Schedule, list[NamedShift]]]:
    """Return the shifts of all rotas for some days."""
    found = [(item, resolve.shifts(load(item), start, start + timedelta(days=days))) for item in schedules()]
    people = _people(shift.person for _, shifts in found for shift in shifts)
    return [
        (item, [NamedShift(s.starts_at, s.ends_at, people.get(s.person or 0), s.override) for s in shifts])
        for item, shifts in found
    ]


def _people(ids: Iterable[int | None]) -> dict[int, Person]:
    return {person.pk: person for person in Person.objects.filter(pk__in={pk for pk in ids if pk}, is_active=True)}


def next_shift_of(person: Person, at: datetime | None = None) -> tuple[Schedule, NamedShift] | None:
    """Return a person's current or next shift within five weeks."""
    at = at or now()
    own = [
        (item, shift)
        for item, shifts in calendar(at, 35)
        for shift in shifts
        if shift.person and shift.person.pk == person.pk
    ]
    return min(own, key=lambda pair: pair[1].starts_at, default=None)


def people_for_services(service_ids: list[int], at: datetime) -> list[tuple[Person, str]]:
    """Return who is on call for the teams that own services; each person once, with the name of the rota."""
    teams = Service.objects.filter(pk__in=service_ids, team__isnull=False).values_list("team_id", flat=True)
    rotas = Schedule.objects.filter(team_id__in=list(teams)).order_by("name", "pk")
    found: dict[int, tuple[Person, str]] = {}
    for rota in rotas:
        for person, _ in people_on_call(rota.pk, at):
            found.setdefault(person.pk, (person, rota.name))
    return list(found.values())
