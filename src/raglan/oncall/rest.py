"""REST of on call: who it is, schedules with their turn orders, overrides and shifts."""

from datetime import timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Status
from pydantic import Field

from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.core.rest import Router
from raglan.core.schema import Body, Cursor, Id, Line, ShortText, Slug, When
from raglan.oncall import actions, drafts, moves, queries
from raglan.oncall.models import Schedule as ScheduleRow
from raglan.oncall.rest_shapes import (
    MAX_DAYS,
    DutyOut,
    OverrideOut,
    Rank,
    RotationIn,
    ScheduleDetailOut,
    ScheduleOut,
    ShiftOut,
    Zone,
    detail_of,
    duty_out,
    override_out,
    people_out,
    person_named,
    schedule_out,
)
from raglan.people.access import Scope, principal, require_scope
from raglan.people.queries import named_team

router = Router(tags=["on call"])


class ScheduleIn(Body):
    """A new schedule."""

    name: Annotated[Line, Field(max_length=120)]
    slug: Slug
    team: Slug | None = None
    time_zone: Zone
    rotation: RotationIn


class EndIn(Body):
    """Which layer ends, and when; now unless said otherwise. The one without a name is the empty text."""

    layer: Annotated[ShortText, Field(max_length=drafts.MAX_NAME)] = ""
    at: When | None = None


Why = Annotated[str, Query(max_length=drafts.MAX_REASON)]


class OverrideIn(Body):
    """A time that does not go by the layers: `kind` says whether the person replaces, comes beside or is taken out."""

    person_id: Id
    kind: Literal["replace_everybody", "replace_one", "add", "remove"] = "replace_everybody"
    instead_of_id: Id | None = None
    rank: Rank = 0
    starts_at: When
    ends_at: When
    reason: Annotated[ShortText, Field(max_length=drafts.MAX_REASON)] = ""


@router.get(
    "/on-call", response=list[DutyOut], by_alias=True, operation_id="who_is_on_call", summary="Who is on call at a time"
)
def who_is_on_call(request: HttpRequest, at: When | None = None) -> list[DutyOut]:
    """Return every rota at a time, now unless said otherwise."""
    return [duty_out(duty) for duty in queries.current(at)]


@router.get("/schedules", response=list[ScheduleOut], operation_id="list_schedules", summary="All schedules")
def list_schedules(request: HttpRequest) -> list[ScheduleOut]:
    """Return all schedules."""
    return [schedule_out(row) for row in ScheduleRow.objects.select_related("team").order_by("name", "pk")]


@router.post("/schedules", response={201: ScheduleOut}, operation_id="make_schedule", summary="Make a schedule")
def make_schedule(request: HttpRequest, data: ScheduleIn) -> Status[ScheduleOut]:
    """Make a schedule with its turn order.

    409 `not_ready` when somebody in it can not be reached; `overrule` with a reason saves it all the same.
    """
    require_scope(request, Scope.CONFIGURE)
    team = named_team(data.team)
    schedule = actions.create_schedule(
        name=data.name,
        slug=data.slug,
        team=team,
        time_zone=data.time_zone,
        rotation=data.rotation.draft(),
        actor=principal(request).actor,
        overrule=data.rotation.overrule,
    )
    return Status(201, schedule_out(schedule))


@router.get(
    "/schedules/{slug}", response=ScheduleDetailOut, by_alias=True, operation_id="get_schedule", summary="One schedule"
)
def get_schedule(request: HttpRequest, slug: Slug) -> ScheduleDetailOut:
    """Return a schedule with the turn orders that decide now or later, and the overrides that are not over."""
    return detail_of(slug)


@router.put(
    "/schedules/{slug}/rotation",
    response=ScheduleDetailOut,
    by_alias=True,
    operation_id="set_rotation",
    summary="Change the turn order",
)
def set_rotation(request: HttpRequest, slug: Slug, data: RotationIn) -> ScheduleDetailOut:
    """Let a turn order count from its first handoff on, and not before now.

    409 `not_ready` when somebody in it can not be reached; `overrule` with a reason saves it all the same.
    """
    require_scope(request, Scope.CONFIGURE)
    actor = principal(request).actor
    actions.set_rotation(queries.schedule(slug), data.draft(), actor=actor, overrule=data.overrule)
    return detail_of(slug)


@router.delete(
    "/schedules/{slug}/rotations/{rotation_id}",
    response={204: None},
    operation_id="withdraw_rotation",
    summary="Take back a planned turn order",
)
def withdraw_rotation(request: HttpRequest, slug: Slug, rotation_id: Cursor) -> Status[None]:
    """Take back a turn order that has not begun."""
    require_scope(request, Scope.CONFIGURE)
    rotation, begins_at = queries.rotation(slug, rotation_id)
    actions.withdraw_rotation(rotation, begins_at=begins_at, actor=principal(request).actor)
    return Status(204, None)


@router.post(
    "/schedules/{slug}/layers/end",
    response=ScheduleDetailOut,
    by_alias=True,
    operation_id="end_layer",
    summary="Let a layer end",
)
def end_layer(request: HttpRequest, slug: Slug, data: EndIn) -> ScheduleDetailOut:
    """Let a layer cover nothing from an instant on; what was stays as it was."""
    require_scope(request, Scope.CONFIGURE)
    schedule = queries.schedule(slug)
    actions.end_layer(schedule, queries.layer(schedule, data.layer), at=data.at, actor=principal(request).actor)
    return detail_of(slug)


@router.post(
    "/schedules/{slug}/overrides", response={201: OverrideOut}, operation_id="add_override", summary="Take a time"
)
def add_override(request: HttpRequest, slug: Slug, data: OverrideIn) -> Status[OverrideOut]:
    """Let a person take a time in place of the rotation or of one person, come beside, or be taken out.

    Whoever names somebody else, as a program always does, gives a `reason`. Everybody whose time moves gets a mail.
    """
    require_scope(request, Scope.RESPOND)
    person = person_named(data.person_id, "person_id")
    gone = None if data.instead_of_id is None else person_named(data.instead_of_id, "instead_of_id")
    draft = drafts.OverrideDraft(person, data.starts_at, data.ends_at, data.reason, data.kind, gone, data.rank)
    asks = principal(request)
    moves.check_acting(draft, asks.person)
    return Status(
        201, override_out(actions.add_override(queries.schedule(slug), draft, by=asks.person, actor=asks.actor))
    )


@router.delete(
    "/schedules/{slug}/overrides/{override_id}",
    response={204: None},
    operation_id="cancel_override",
    summary="Give it back",
)
def cancel_override(request: HttpRequest, slug: Slug, override_id: Cursor, reason: Why = "") -> Status[None]:
    """End an override from now on. When that moves the time of others, it needs a `reason`, and they get a mail."""
    require_scope(request, Scope.RESPOND)
    asks, override, reason = principal(request), queries.override(slug, override_id), clean_text(reason)
    moves.check_cancelling(override, asks.person, reason)
    actions.cancel_override(override, actor=asks.actor, by=asks.person, reason=reason)
    return Status(204, None)


@router.get("/schedules/{slug}/shifts", response=list[ShiftOut], operation_id="list_shifts", summary="Shifts and gaps")
def list_shifts(request: HttpRequest, slug: Slug, start: When | None = None, end: When | None = None) -> list[ShiftOut]:
    """Return shifts between two times: two weeks from now unless said otherwise, 400 days at most."""
    start = start or now()
    end = end or start + timedelta(days=14)
    if end < start:
        raise BadInput("end", "must not be before start", status=422)
    if end - start > timedelta(days=MAX_DAYS):
        raise BadInput("end", f"at most {MAX_DAYS} days after start", status=422)
    return [
        ShiftOut(
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            people=people_out(shift.people),
            override_id=shift.override,
            instead_of=people_out(shift.instead_of),
        )
        for shift in queries.shifts_between(queries.schedule(slug, since=start), start, end)
    ]
