"""Verbs of on call."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.oncall import events, gate, moves
from raglan.oncall.drafts import (
    MAX_LAYERS,
    MAX_REASON,
    RESERVED,
    OverrideDraft,
    RotationDraft,
    check_override,
    check_rotation,
    check_time_zone,
)
from raglan.oncall.holding import hold
from raglan.oncall.models import Layer, Override, Rotation, RotationMember, Schedule
from raglan.oncall.windows import as_json
from raglan.people.models import Person, Team

__all__ = [
    "OverrideDraft",
    "RotationDraft",
    "add_override",
    "cancel_override",
    "create_schedule",
    "describe_schedule",
    "effective_from",
    "end_layer",
    "end_rotations",
    "set_rotation",
    "withdraw_rotation",
]


@atomic
def create_schedule(  # noqa: PLR0913  # a rota is made as a whole
    *,
    name: str,
    slug: str,
    team: Team | None,
    time_zone: str,
    rotation: RotationDraft | Sequence[RotationDraft] | None,
    actor: timeline.Subject,
    overrule: str | None = None,
) -> Schedule:
    """Make a schedule with its first turn orders, one a layer. Raises BadInput naming the field.

    With `overrule` everybody in them must be in reach, or it has to be a reason. Raises NotReady.
    """
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
    drafts = [rotation] if isinstance(rotation, RotationDraft) else list(rotation or ())
    for draft in drafts:
        _check_reach(_store(schedule, draft, draft.effective_from, actor=actor), overrule, actor)
    return schedule


@atomic
def set_rotation(
    schedule: Schedule,
    draft: RotationDraft,
    *,
    actor: timeline.Subject,
    overrule: str | None = None,
    part_of: datetime | None = None,
) -> Rotation:
    """Let the turn order of a layer count from its first handoff on. What came before stays: no change counts earlier.

    A layer whose name is new is made. In one without a name that has the whole schedule, its zone moves along.
    With `overrule` everybody in it must be in reach, or it has to be a reason. Raises NotReady. `part_of` is the
    instant of a whole, such as an import, which counts instead of now. All others whose time moves are told.
    """
    schedule.time_zone = hold(schedule.pk).time_zone
    before = moves.standing(schedule) if part_of is None else None
    rotation = _store(schedule, draft, effective_from(draft.effective_from, part_of), actor=actor)
    _check_reach(rotation, overrule, actor)
    if rotation.layer_id is None:
        _move_to_zone(schedule, rotation.time_zone)
    if before is not None:
        why = f"another turn order{_of_layer(rotation.layer)}"
        moves.tell_of_turns(schedule, before, rotation.effective_from, actor=actor, why=why)
    return rotation


def _of_layer(layer: Layer | None) -> str:
    return f" of the layer {layer.name}" if layer else ""


@atomic
def describe_schedule(
    schedule: Schedule, *, name: str, team: Team | None, time_zone: str, actor: timeline.Subject
) -> None:
    """Give a schedule another name, team or zone. Safe to call twice. Raises BadInput naming the field."""
    if not name.strip():
        raise BadInput("name", "give the rota a name")
    check_time_zone(time_zone)
    name = name.strip()[:120]
    if (schedule.name, schedule.team, schedule.time_zone) == (name, team, time_zone):
        return
    _move_to_zone(schedule, time_zone)
    schedule.name, schedule.team = name, team
    Schedule.objects.filter(pk=schedule.pk).update(name=name, team=team)
    payload = events.ScheduleChanged(
        schedule=schedule.pk, name=name, team=team.pk if team else None, time_zone=time_zone
    )
    timeline.append(payload, actor=actor, about=[schedule, *([team] if team else []), "oncall", "now"])


def _store(
    schedule: Schedule, draft: RotationDraft, effective: datetime | None, *, actor: timeline.Subject
) -> Rotation:
    groups = check_rotation(draft)
    if draft.ends_at and effective and draft.ends_at <= effective:
        raise BadInput("ends_at", "is before it begins")
    rotation = Rotation.objects.create(
        schedule=schedule,
        layer=_layer(schedule, draft.layer.strip(), actor=actor),
        rank=draft.rank,
        starts_on=draft.starts_on,
        handoff_weekday=draft.handoff_weekday if draft.unit == Rotation.Unit.WEEKS else None,
        handoff_time=draft.handoff_time.replace(tzinfo=None, microsecond=0),
        unit=draft.unit,
        every=draft.every,
        weekdays=sorted(set(draft.weekdays)),
        windows=[as_json(window) for window in draft.windows],
        active_days=draft.active_days,
        time_zone=draft.time_zone or schedule.time_zone,
        effective_from=effective,
        ends_at=draft.ends_at,
        created_at=now(),
    )
    RotationMember.objects.bulk_create(
        RotationMember(rotation=rotation, person=person, position=place)
        for place, group in enumerate(groups)
        for person in group
    )
    about: list[timeline.Subject] = [schedule, *(f"person:{pk}" for pk in draft.everybody())]
    timeline.append(_rotation_set(rotation, groups), actor=actor, about=[*about, "oncall", "now"])
    return rotation


def _check_reach(rotation: Rotation, overrule: str | None, actor: timeline.Subject) -> None:
    if overrule is not None:
        people = [member.person for member in rotation.members.select_related("person")]
        gate.check(rotation.schedule, people, overrule=overrule, actor=actor)


def _layer(schedule: Schedule, name: str, *, actor: timeline.Subject) -> Layer | None:
    """Return a layer by name, made if it is new; None for the one without a name."""
    if not name:
        return None
    layer, is_new = Layer.objects.get_or_create(schedule=schedule, name=name, defaults={"created_at": now()})
    if not is_new:
        return layer
    if Layer.objects.filter(schedule=schedule).count() > MAX_LAYERS:
        raise BadInput("layer", f"a rota has at most {MAX_LAYERS} layers with a name")
    payload = events.LayerMade(schedule=schedule.pk, layer=layer.pk, name=name, created_at=layer.created_at)
    timeline.append(payload, actor=actor, about=[schedule, layer, "oncall"])
    return layer


def effective_from(asked: datetime | None = None, part_of: datetime | None = None) -> datetime:
    """Return the instant before which a new turn order of a rota that exists does not count: now, or what was asked.

    Only those with which a rota is made may begin in the past.
    """
    at = part_of or now()
    return max(at, asked) if asked else at


def _move_to_zone(schedule: Schedule, zone: str) -> None:
    """Write turns in another zone from now on; what was written without one keeps the zone that it was read in."""
    if zone == schedule.time_zone:
        return
    hold(schedule.pk)
    Rotation.objects.filter(schedule=schedule, time_zone="").update(time_zone=schedule.time_zone)
    Schedule.objects.filter(pk=schedule.pk).update(time_zone=zone)
    schedule.time_zone = zone


def _rotation_set(rotation: Rotation, groups: list[list[Person]]) -> events.RotationSet:
    return events.RotationSet(
        schedule=rotation.schedule_id,
        rotation=rotation.pk,
        participants=[group[0].pk if len(group) == 1 else [person.pk for person in group] for group in groups],
        starts_on=rotation.starts_on,
        handoff_weekday=rotation.handoff_weekday,
        handoff_time=rotation.handoff_time,
        every=rotation.every,
        time_zone=rotation.time_zone,
        effective_from=rotation.effective_from,
        created_at=rotation.created_at,
        layer=rotation.layer_id,
        rank=rotation.rank,
        unit=str(rotation.unit),
        weekdays=rotation.weekdays,
        windows=rotation.windows,
        active_days=rotation.active_days,
        ends_at=rotation.ends_at,
    )


@atomic
def withdraw_rotation(
    rotation: Rotation, *, begins_at: datetime, actor: timeline.Subject, part_of: datetime | None = None
) -> None:
    """Take back a turn order that has not begun; `begins_at` is when it would. Safe to call twice. Raises Conflict."""
    hold(rotation.schedule_id)
    at = part_of or now()
    if begins_at <= at:
        raise Conflict("This turn order counts already, and the past does not change. Set another one instead.")
    before = moves.standing(rotation.schedule) if part_of is None else None
    if not Rotation.objects.filter(pk=rotation.pk, withdrawn_at__isnull=True).update(withdrawn_at=at):
        return
    if before is not None:
        why = f"a planned turn order{_of_layer(rotation.layer)} was taken back"
        moves.tell_of_turns(rotation.schedule, before, begins_at, actor=actor, why=why)
    payload = events.RotationWithdrawn(rotation=rotation.pk, withdrawn_at=at)
    timeline.append(payload, actor=actor, about=[rotation.schedule, "oncall", "now"])


@atomic
def end_layer(
    schedule: Schedule, layer: Layer | None, *, actor: timeline.Subject, at: datetime | None = None
) -> datetime:
    """Let a layer cover nothing from an instant on, now unless said otherwise. What was stays. Safe to call twice."""
    hold(schedule.pk)
    ends_at = max(now(), at) if at else now()
    rows = Rotation.objects.filter(schedule=schedule, layer=layer, withdrawn_at__isnull=True)
    open_ = list(rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=ends_at)).values_list("pk", flat=True))
    before = moves.standing(schedule)
    end_rotations(schedule, layer, open_, at=ends_at, actor=actor)
    why = f"the turn order{_of_layer(layer)} ends"
    moves.tell_of_turns(schedule, before, ends_at, actor=actor, why=why)
    return ends_at


@atomic
def end_rotations(
    schedule: Schedule, layer: Layer | None, rows: Sequence[int], *, at: datetime, actor: timeline.Subject
) -> None:
    """Let some turn orders of a layer cover nothing from an instant on: a later one, or the now of the whole change."""
    if not rows:
        return
    Rotation.objects.filter(pk__in=rows).update(ends_at=at)
    payload = events.LayerEnded(
        schedule=schedule.pk, layer=layer.pk if layer else None, rotations=sorted(rows), ends_at=at
    )
    timeline.append(payload, actor=actor, about=[schedule, *([layer] if layer else []), "oncall", "now"])


@atomic
def add_override(
    schedule: Schedule,
    draft: OverrideDraft,
    *,
    by: Person | None,
    actor: timeline.Subject | None = None,
    part_of: datetime | None = None,
) -> Override:
    """Let a time not go by the layers. A start in the past counts from now on. Raises BadInput naming the field.

    `part_of` is the instant of a whole, such as an import, which itself tells those whose time moves.
    """
    hold(schedule.pk)
    at = part_of or now()
    check_override(draft, at)
    override = Override.objects.create(
        schedule=schedule,
        person=draft.person,
        starts_at=max(draft.starts_at, at),
        ends_at=draft.ends_at,
        kind=draft.kind,
        instead_of=draft.instead_of,
        rank=draft.rank,
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
        does=str(override.kind),
        instead_of=draft.instead_of.pk if draft.instead_of else None,
        rank=draft.rank,
    )
    takes = draft.person if override.kind in (Override.Kind.REPLACE_EVERYBODY, Override.Kind.REPLACE_ONE) else None
    if part_of is None:
        moves.tell_those_moved(schedule, moves.moved_by(override), by=by, reason=override.reason, stands_in=takes)
    about: list[timeline.Subject] = [
        schedule,
        override,
        draft.person,
        *([draft.instead_of] if draft.instead_of else []),
    ]
    timeline.append(payload, actor=actor or by or timeline.SYSTEM, about=[*about, "oncall", "now"])
    return override


@atomic
def cancel_override(
    override: Override,
    *,
    actor: timeline.Subject,
    by: Person | None = None,
    reason: str = "",
    part_of: datetime | None = None,
) -> None:
    """End an override: from now on if it has begun, else as if it had not been. Safe to call twice.

    `part_of` is the instant of a whole, such as an import, which itself tells those whose time moves.
    """
    hold(override.schedule_id)
    at = part_of or now()
    moved = moves.moved_by_cancelling(override) if part_of is None else []
    open_: QuerySet[Override] = Override.objects.filter(pk=override.pk, cancelled_at__isnull=True, ends_at__gt=at)
    if not (open_.filter(starts_at__lt=at).update(cancelled_at=at, ends_at=at) or open_.update(cancelled_at=at)):
        return
    override.refresh_from_db(fields=["cancelled_at", "ends_at"])
    reason = reason.strip()[:MAX_REASON]
    payload = events.OverrideCancelled(override=override.pk, ends_at=override.ends_at, cancelled_at=at, reason=reason)
    moves.tell_those_moved(override.schedule, moved, by=by, reason=reason)
    about: list[timeline.Subject] = [override.schedule, override, f"person:{override.person_id}", "oncall", "now"]
    timeline.append(payload, actor=actor, about=about)
