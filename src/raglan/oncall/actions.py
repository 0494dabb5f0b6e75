"""Verbs of on call."""

from datetime import datetime

from django.db.models import QuerySet

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.oncall import events
from raglan.oncall.drafts import (
    MAX_REASON,
    RESERVED,
    OverrideDraft,
    RotationDraft,
    check_override,
    check_rotation,
    check_time_zone,
)
from raglan.oncall.models import Override, Rotation, RotationMember, Schedule
from raglan.people.models import Person, Team

__all__ = [
    "OverrideDraft",
    "RotationDraft",
    "add_override",
    "cancel_override",
    "create_schedule",
    "effective_from",
    "set_rotation",
    "withdraw_rotation",
]


@atomic
def create_schedule(
    *, name: str, slug: str, team: Team | None, time_zone: str, rotation: RotationDraft | None, actor: timeline.Subject
) -> Schedule:
    """Make a schedule with its first turn order. Raises BadInput naming the field."""
    if not name.strip():
        raise BadInput("name", "give the rota a name")
    if slug in RESERVED:
        raise BadInput("slug", f"{slug} is taken by a screen; choose another short name")
    check_time_zone(time_zone)
    fields = {"name": name.strip()[:120], "team": team, "time_zone": time_zone, "created_at": now()}
    schedule, is_new = Schedule.objects.get_or_create(slug=slug, defaults=fields)
    if not is_new:
        raise BadInput("slug", "another rota has this short name", status=409)
    payload = events.ScheduleMade(
        schedule=schedule.pk,
        name=schedule.name,
        slug=slug,
        team=team.pk if team else None,
        time_zone=time_zone,
        created_at=schedule.created_at,
    )
    timeline.append(payload, actor=actor, about=[schedule, *([team] if team else []), "oncall", "now"])
    if rotation is not None:
        set_rotation(schedule, rotation, actor=actor)
    return schedule


@atomic
def set_rotation(schedule: Schedule, draft: RotationDraft, *, actor: timeline.Subject) -> Rotation:
    """Let a turn order count from its first handoff on. What came before stays: a change never counts before now."""
    people = check_rotation(draft)
    zone = draft.time_zone or schedule.time_zone
    rotation = Rotation.objects.create(
        schedule=schedule,
        starts_on=draft.starts_on,
        handoff_weekday=draft.handoff_weekday,
        handoff_time=draft.handoff_time.replace(tzinfo=None, microsecond=0),
        weeks=draft.weeks,
        time_zone=zone,
        effective_from=effective_from(schedule),
        created_at=now(),
    )
    RotationMember.objects.bulk_create(
        RotationMember(rotation=rotation, person=person, position=place) for place, person in enumerate(people)
    )
    _move_to_zone(schedule, zone)
    about: list[timeline.Subject] = [schedule, *dict.fromkeys(f"person:{person.pk}" for person in people)]
    timeline.append(_rotation_set(rotation, people), actor=actor, about=[*about, "oncall", "now"])
    return rotation


def effective_from(schedule: Schedule) -> datetime | None:
    """Return the instant before which a new turn order does not count; a first one may begin in the past."""
    return now() if Rotation.objects.filter(schedule=schedule, withdrawn_at__isnull=True).exists() else None


def _move_to_zone(schedule: Schedule, zone: str) -> None:
    """Write turns in another zone from now on; what was written without one keeps the zone that it was read in."""
    if zone == schedule.time_zone:
        return
    Rotation.objects.filter(schedule=schedule, time_zone="").update(time_zone=schedule.time_zone)
    Schedule.objects.filter(pk=schedule.pk).update(time_zone=zone)
    schedule.time_zone = zone


def _rotation_set(rotation: Rotation, people: list[Person]) -> events.RotationSet:
    return events.RotationSet(
        schedule=rotation.schedule_id,
        rotation=rotation.pk,
        participants=[person.pk for person in people],
        starts_on=rotation.starts_on,
        handoff_weekday=rotation.handoff_weekday,
        handoff_time=rotation.handoff_time,
        weeks=rotation.weeks,
        time_zone=rotation.time_zone,
        effective_from=rotation.effective_from,
        created_at=rotation.created_at,
    )


@atomic
def withdraw_rotation(rotation: Rotation, *, begins_at: datetime, actor: timeline.Subject) -> None:
    """Take back a turn order that has not begun; `begins_at` is when it would. Safe to call twice. Raises Conflict."""
    at = now()
    if begins_at <= at:
        raise Conflict("This turn order counts already, and the past does not change. Set another one instead.")
    if not Rotation.objects.filter(pk=rotation.pk, withdrawn_at__isnull=True).update(withdrawn_at=at):
        return
    payload = events.RotationWithdrawn(rotation=rotation.pk, withdrawn_at=at)
    timeline.append(payload, actor=actor, about=[rotation.schedule, "oncall", "now"])


@atomic
def add_override(
    schedule: Schedule, draft: OverrideDraft, *, by: Person | None, actor: timeline.Subject | None = None
) -> Override:
    """Let a person take a time. A start in the past counts from now on. Raises BadInput naming the field."""
    check_override(draft)
    at = now()
    override = Override.objects.create(
        schedule=schedule,
        person=draft.person,
        starts_at=max(draft.starts_at, at),
        ends_at=draft.ends_at,
        reason=draft.reason.strip()[:MAX_REASON],
        created_by=by,
        created_at=at,
    )
    payload = events.OverrideAdded(
        schedule=schedule.pk,
        override=override.pk,
        person=draft.person.pk,
        starts_at=override.starts_at,
        ends_at=override.ends_at,
        reason=override.reason,
        created_by=by.pk if by else None,
        created_at=at,
    )
    about: list[timeline.Subject] = [schedule, override, draft.person, "oncall", "now"]
    timeline.append(payload, actor=actor or by or timeline.SYSTEM, about=about)
    return override


@atomic
def cancel_override(override: Override, *, actor: timeline.Subject) -> None:
    """End an override: from now on if it has begun, else as if it had not been. Safe to call twice."""
    at = now()
    open_: QuerySet[Override] = Override.objects.filter(pk=override.pk, cancelled_at__isnull=True, ends_at__gt=at)
    if not (open_.filter(starts_at__lt=at).update(cancelled_at=at, ends_at=at) or open_.update(cancelled_at=at)):
        return
    override.refresh_from_db(fields=["cancelled_at", "ends_at"])
    payload = events.OverrideCancelled(override=override.pk, ends_at=override.ends_at, cancelled_at=at)
    about: list[timeline.Subject] = [override.schedule, override, f"person:{override.person_id}", "oncall", "now"]
    timeline.append(payload, actor=actor, about=about)
