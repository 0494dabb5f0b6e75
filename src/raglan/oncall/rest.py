"""REST of on call."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import AfterValidator, Field

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.core.schema import Body, Cursor, Id, Line, ShortText, Slug, When
from raglan.oncall import actions, queries
from raglan.oncall.models import Override
from raglan.oncall.models import Schedule as ScheduleRow
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team

router = Router(tags=["on call"])
MAX_DAYS = 400


def _sane(value: date) -> date:
    if value.year not in range(1970, 2150):
        raise ValueError("the year must be from 1970 to 2149")
    return value


class RotationIn(Body):
    """A weekly turn order. Monday is 0; the time is wall-clock time in the schedule's zone."""

    participants: Annotated[list[Id], Field(min_length=1, max_length=actions.MAX_PARTICIPANTS)]
    handoff_weekday: Annotated[int, Field(ge=0, le=6)] = 0
    handoff_time: time = time(9, 0)
    starts_on: Annotated[date, AfterValidator(_sane)]
    weeks: Annotated[int, Field(ge=1, le=52)] = 1

    def draft(self) -> actions.RotationDraft:
        """Return it as the action takes it."""
        return actions.RotationDraft(
            self.participants, self.starts_on, self.handoff_weekday, self.handoff_time.replace(tzinfo=None), self.weeks
        )


class ScheduleIn(Body):
    """A new schedule."""

    name: Line
    slug: Slug
    team: Slug | None = None
    time_zone: Annotated[str, Field(max_length=64)]
    rotation: RotationIn


class ScheduleOut(Schema):
    """A schedule."""

    id: int
    name: str
    slug: str
    team: str | None
    time_zone: str


class OverrideIn(Body):
    """A person takes a time."""

    person_id: Id
    starts_at: When
    ends_at: When
    reason: ShortText = ""


class OverrideOut(Schema):
    """An override as it counts."""

    id: int
    person_id: int
    starts_at: datetime
    ends_at: datetime
    reason: str


class PersonOut(Schema):
    """A person, briefly."""

    id: int
    name: str


class NextOut(Schema):
    """Who follows, and from when."""

    people: list[PersonOut]
    starts_at: datetime


class DutyOut(Schema):
    """A rota at an instant."""

    schedule: str
    name: str
    team: str | None
    people: list[PersonOut]
    why: str
    until: datetime
    next: NextOut | None


class ShiftOut(Schema):
    """A shift; without people it is a gap."""

    starts_at: datetime
    ends_at: datetime
    people: list[PersonOut]
    override_id: int | None


@router.get("/on-call", response=list[DutyOut], operation_id="who_is_on_call", summary="Who is on call at a time")
def who_is_on_call(request: HttpRequest, at: When | None = None) -> list[DutyOut]:
    """Return every rota at a time, now unless said otherwise."""
    return [_duty(duty) for duty in queries.current(at)]


def _duty(duty: queries.Duty) -> DutyOut:
    following = NextOut(people=_people(duty.next_person), starts_at=duty.next_from) if duty.next_from else None
    return DutyOut(
        schedule=duty.schedule.slug,
        name=duty.schedule.name,
        team=duty.schedule.team.slug if duty.schedule.team else None,
        people=_people(duty.person),
        why=duty.why,
        until=duty.until,
        next=following,
    )


def _people(person: Person | None) -> list[PersonOut]:
    return [PersonOut(id=person.pk, name=person.name)] if person else []


@router.get("/schedules", response=list[ScheduleOut], operation_id="list_schedules", summary="All schedules")
def list_schedules(request: HttpRequest) -> list[ScheduleOut]:
    """Return all schedules."""
    return [_schedule(item) for item in queries.schedules()]


@router.post("/schedules", response={201: ScheduleOut}, operation_id="make_schedule", summary="Make a schedule")
def make_schedule(request: HttpRequest, data: ScheduleIn) -> tuple[int, ScheduleOut]:
    """Make a schedule with its turn order."""
    require_scope(request, Scope.CONFIGURE)
    team = Team.objects.filter(slug=data.team).first() if data.team else None
    if data.team and team is None:
        raise BadInput("team", "there is no such team", status=422)
    schedule = actions.create_schedule(
        name=data.name,
        slug=data.slug,
        team=team,
        time_zone=data.time_zone,
        rotation=data.rotation.draft(),
        actor=principal(request).actor,
    )
    return 201, _schedule(schedule)


@router.get("/schedules/{slug}", response=ScheduleOut, operation_id="get_schedule", summary="One schedule")
def get_schedule(request: HttpRequest, slug: Slug) -> ScheduleOut:
    """Return a schedule."""
    return _schedule(queries.schedule(slug))


def _schedule(item: ScheduleRow) -> ScheduleOut:
    team = item.team.slug if item.team else None
    return ScheduleOut(id=item.pk, name=item.name, slug=item.slug, team=team, time_zone=item.time_zone)


@router.put(
    "/schedules/{slug}/rotation", response=ScheduleOut, operation_id="set_rotation", summary="Change the turn order"
)
def set_rotation(request: HttpRequest, slug: Slug, data: RotationIn) -> ScheduleOut:
    """Let a turn order count from its first handoff on."""
    require_scope(request, Scope.CONFIGURE)
    schedule = queries.schedule(slug)
    actions.set_rotation(schedule, data.draft(), actor=principal(request).actor)
    return _schedule(schedule)


@router.post(
    "/schedules/{slug}/overrides", response={201: OverrideOut}, operation_id="add_override", summary="Take a time"
)
def add_override(request: HttpRequest, slug: Slug, data: OverrideIn) -> tuple[int, Override]:
    """Let a person take a time in place of the rotation."""
    require_scope(request, Scope.RESPOND)
    schedule = queries.schedule(slug)
    person = Person.objects.filter(pk=data.person_id).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    override = actions.add_override(
        schedule,
        person=person,
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        reason=data.reason,
        by=principal(request).person,
    )
    return 201, override


@router.delete(
    "/schedules/{slug}/overrides/{override_id}",
    response={204: None},
    operation_id="cancel_override",
    summary="Give it back",
)
def cancel_override(request: HttpRequest, slug: Slug, override_id: Cursor) -> tuple[int, None]:
    """End an override from now on."""
    require_scope(request, Scope.RESPOND)
    override = Override.objects.select_related("schedule").filter(pk=override_id, schedule__slug=slug).first()
    if override is None:
        raise NotFound("There is no such override.")
    actions.cancel_override(override, actor=principal(request).actor)
    return 204, None


@router.get("/schedules/{slug}/shifts", response=list[ShiftOut], operation_id="list_shifts", summary="Shifts and gaps")
def list_shifts(request: HttpRequest, slug: Slug, start: When | None = None, end: When | None = None) -> list[ShiftOut]:
    """Return shifts between two times: two weeks from now unless said otherwise, 400 days at most."""
    start = start or now()
    end = end or start + timedelta(days=14)
    if end - start > timedelta(days=MAX_DAYS):
        raise BadInput("end", f"at most {MAX_DAYS} days after start", status=422)
    return [
        ShiftOut(starts_at=s.starts_at, ends_at=s.ends_at, people=_people(s.person), override_id=s.override)
        for s in queries.shifts_between(queries.schedule(slug), start, end)
    ]
