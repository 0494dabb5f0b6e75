"""Verbs of on call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.oncall import events
from raglan.oncall.models import Override, Rotation, RotationMember, Schedule
from raglan.people.actions import check_zone
from raglan.people.models import Person, Team

MAX_OVERRIDE = timedelta(days=370)
MAX_PARTICIPANTS = 60


@dataclass(frozen=True, slots=True)
class RotationDraft:
    """A turn order as somebody wrote it. Monday is 0."""

    participants: Sequence[int]
    starts_on: date
    handoff_weekday: int
    handoff_time: time
    weeks: int = 1


def check_rotation(draft: RotationDraft) -> list[Person]:
    """Return the people of a turn order. Raises BadInput naming the field."""
    if not draft.participants:
        raise BadInput("participants", "name at least one person")
    if len(draft.participants) > MAX_PARTICIPANTS:
        raise BadInput("participants", f"has more than {MAX_PARTICIPANTS} places")
    if draft.handoff_weekday not in range(7):
        raise BadInput("handoff_weekday", "must be from 0 (Monday) to 6 (Sunday)")
    if draft.weeks not in range(1, 53):
        raise BadInput("weeks", "must be from 1 to 52")
    if draft.starts_on.year not in range(1970, 2150):
        raise BadInput("starts_on", "the year must be from 1970 to 2149")
    found = {person.pk: person for person in Person.objects.filter(pk__in=draft.participants, is_active=True)}
    for number, pk in enumerate(draft.participants):
        if pk not in found:
            raise BadInput(f"participants[{number}]", "there is no such person")
    return [found[pk] for pk in draft.participants]


@atomic
def create_schedule(
    *, name: str, slug: str, team: Team | None, time_zone: str, rotation: RotationDraft | None, actor: timeline.Subject
) -> Schedule:
    """Make a schedule with its first turn order. Raises BadInput naming the field."""
    if not name.strip():
        raise BadInput("name", "give the rota a name")
    check_zone(time_zone)
    if Schedule.objects.filter(slug=slug).exists():
        raise BadInput("slug", "another rota has this short name", status=409)
    schedule = Schedule.objects.create(
        name=name.strip()[:120], slug=slug, team=team, time_zone=time_zone, created_at=now()
    )
    timeline.append(events.ScheduleMade(slug=slug, time_zone=time_zone), actor=actor, about=[schedule, "oncall"])
    if rotation is not None:
        set_rotation(schedule, rotation, actor=actor)
    return schedule


@atomic
def set_rotation(schedule: Schedule, draft: RotationDraft, *, actor: timeline.Subject) -> Rotation:
    """Let a turn order count from its first handoff on; what came before stays as it was."""
    people = check_rotation(draft)
    rotation = Rotation.objects.create(
        schedule=schedule,
        starts_on=draft.starts_on,
        handoff_weekday=draft.handoff_weekday,
        handoff_time=draft.handoff_time.replace(tzinfo=None, microsecond=0),
        weeks=draft.weeks,
        created_at=now(),
    )
    RotationMember.objects.bulk_create(
        RotationMember(rotation=rotation, person=person, position=place) for place, person in enumerate(people)
    )
    payload = events.RotationSet(starts_on=draft.starts_on.isoformat(), participants=[person.pk for person in people])
    timeline.append(payload, actor=actor, about=[schedule, "oncall", "now"])
    return rotation


def check_override(person: Person, starts_at: datetime, ends_at: datetime) -> None:
    """Raise BadInput unless a time can be taken."""
    if not person.is_active:
        raise BadInput("person_id", "this person is not active")
    if ends_at <= starts_at:
        raise BadInput("ends_at", "must be after the start")
    if ends_at <= now():
        raise BadInput("ends_at", "is over already; the past does not change")
    if ends_at - starts_at > MAX_OVERRIDE:
        raise BadInput("ends_at", "is more than a year after the start")


@atomic
def add_override(
    schedule: Schedule, *, person: Person, starts_at: datetime, ends_at: datetime, reason: str = "", by: Person | None
) -> Override:
    """Let a person take a time. A start in the past counts from now on. Raises BadInput naming the field."""
    check_override(person, starts_at, ends_at)
    override = Override.objects.create(
        schedule=schedule,
        person=person,
        starts_at=max(starts_at, now()),
        ends_at=ends_at,
        reason=reason.strip()[:200],
        created_by=by,
        created_at=now(),
    )
    payload = events.OverrideAdded(
        override=override.pk, person=person.pk, starts_at=override.starts_at, ends_at=override.ends_at
    )
    timeline.append(payload, actor=by or timeline.SYSTEM, about=[schedule, override, person, "oncall", "now"])
    return override


@atomic
def cancel_override(override: Override, *, actor: timeline.Subject) -> None:
    """End an override: from now on if it has begun, else as if it had not been. Safe to call twice."""
    at = now()
    if override.cancelled_at is not None or override.ends_at <= at:
        return
    if override.starts_at < at:
        override.ends_at = at
    override.cancelled_at = at
    override.save(update_fields=["ends_at", "cancelled_at"])
    about: list[timeline.Subject] = [override.schedule, override, "oncall", "now"]
    timeline.append(events.OverrideCancelled(override=override.pk), actor=actor, about=about)
