"""REST of on call."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.core.schema import Body, Cursor, Id, Line, ShortText, Slug, When
from raglan.oncall import actions, drafts, queries, resolve
from raglan.oncall.models import Override, Rotation
from raglan.oncall.models import Schedule as ScheduleRow
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team

router = Router(tags=["on call"])
MAX_DAYS = 400


def _sane(value: date) -> date:
    if value.year not in drafts.START_YEARS:
        raise ValueError(f"the year must be from {drafts.START_YEARS.start} to {drafts.START_YEARS.stop - 1}")
    return value


def _text(value: object) -> object:
    """Refuse numbers, which the validator would read as seconds since some day."""
    if not isinstance(value, str | date):
        raise ValueError("write it as text")
    return value


Day = Annotated[date, BeforeValidator(_text), AfterValidator(_sane)]
WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", examples=["09:00"])]
Zone = Annotated[str, Field(min_length=1, max_length=64)]


class RotationIn(Body):
    """A weekly turn order. Monday is 0; the time is wall-clock time in `time_zone`, by default that of the schedule."""

    participants: Annotated[list[Id], Field(min_length=1, max_length=drafts.MAX_PARTICIPANTS)]
    handoff_weekday: Annotated[int, Field(ge=0, le=6)] = 0
    handoff_time: WallTime = "09:00"
    starts_on: Day
    weeks: Annotated[int, Field(ge=1, le=drafts.MAX_WEEKS)] = 1
    time_zone: Zone | None = None

    def draft(self) -> drafts.RotationDraft:
        """Return it as the action takes it."""
        return drafts.RotationDraft(
            self.participants,
            self.starts_on,
            self.handoff_weekday,
            time.fromisoformat(self.handoff_time),
            self.weeks,
            self.time_zone or "",
        )


class ScheduleIn(Body):
    """A new schedule."""

    name: Annotated[Line, Field(max_length=120)]
    slug: Slug
    team: Slug | None = None
    time_zone: Zone
    rotation: RotationIn


class OverrideIn(Body):
    """A person takes a time."""

    person_id: Id
    starts_at: When
    ends_at: When
    reason: Annotated[ShortText, Field(max_length=drafts.MAX_REASON)] = ""


class PersonOut(Schema):
    """A person, briefly."""

    id: int
    name: str


class RotationOut(Schema):
    """A turn order, with the time in which it decides; without an end it decides until another one is set."""

    id: int
    participants: list[PersonOut]
    handoff_weekday: int
    handoff_time: WallTime
    starts_on: date
    weeks: int
    time_zone: str
    begins_at: datetime
    ends_at: datetime | None


class OverrideOut(Schema):
    """An override as it counts."""

    id: int
    person_id: int
    starts_at: datetime
    ends_at: datetime
    reason: str


class ScheduleOut(Schema):
    """A schedule."""

    id: int
    name: str
    slug: str
    team: str | None
    time_zone: str


class ScheduleDetailOut(ScheduleOut):
    """A schedule with the turn orders that decide now or later, and the overrides that are not over."""

    rotations: list[RotationOut]
    overrides: list[OverrideOut]


class NextOut(Schema):
    """Who follows, and from when; without people it is a gap."""

    people: list[PersonOut]
    from_: Annotated[datetime, Field(validation_alias=AliasChoices("from_", "from"), serialization_alias="from")]


class DutyOut(Schema):
    """A rota at an instant. `until` is null when nobody else is planned for two years."""

    schedule: str
    name: str
    team: str | None
    people: list[PersonOut]
    why: str
    until: datetime | None
    next: NextOut | None


class ShiftOut(Schema):
    """A shift; without people it is a gap."""

    starts_at: datetime
    ends_at: datetime
    people: list[PersonOut]
    override_id: int | None
    instead_of: list[PersonOut]


@router.get(
    "/on-call", response=list[DutyOut], by_alias=True, operation_id="who_is_on_call", summary="Who is on call at a time"
)
def who_is_on_call(request: HttpRequest, at: When | None = None) -> list[DutyOut]:
    """Return every rota at a time, now unless said otherwise."""
    return [_duty(duty) for duty in queries.current(at)]


def _duty(duty: queries.Duty) -> DutyOut:
    following = NextOut(people=_people(duty.next_people), **{"from": duty.next_from}) if duty.next_from else None
    return DutyOut(
        schedule=duty.schedule.slug,
        name=duty.schedule.name,
        team=duty.schedule.team.slug if duty.schedule.team else None,
        people=_people(duty.people),
        why=duty.why,
        until=duty.until,
        next=following,
    )


def _people(people: tuple[Person, ...]) -> list[PersonOut]:
    return [PersonOut(id=person.pk, name=person.name) for person in people]


@router.get("/schedules", response=list[ScheduleOut], operation_id="list_schedules", summary="All schedules")
def list_schedules(request: HttpRequest) -> list[ScheduleOut]:
    """Return all schedules."""
    return [_schedule(row) for row in ScheduleRow.objects.select_related("team").order_by("name", "pk")]


@router.post("/schedules", response={201: ScheduleOut}, operation_id="make_schedule", summary="Make a schedule")
def make_schedule(request: HttpRequest, data: ScheduleIn) -> Status[ScheduleOut]:
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
    return Status(201, _schedule(schedule))


@router.get("/schedules/{slug}", response=ScheduleDetailOut, operation_id="get_schedule", summary="One schedule")
def get_schedule(request: HttpRequest, slug: Slug) -> ScheduleDetailOut:
    """Return a schedule with the turn orders that decide now or later, and the overrides that are not over."""
    return _detail(slug)


def _schedule(row: ScheduleRow) -> ScheduleOut:
    team = row.team.slug if row.team else None
    return ScheduleOut(id=row.pk, name=row.name, slug=row.slug, team=team, time_zone=row.time_zone)


def _detail(slug: str) -> ScheduleDetailOut:
    at = now()
    row = queries.schedule(slug, since=at)
    rows = {rotation.pk: rotation for rotation in row.rotations.all()}
    rotations = [
        _rotation(rows[pure.id], pure, begins, ends)
        for pure, begins, ends in resolve.reigns(queries.load(row))
        if ends > at
    ]
    overrides = [_override(item) for item in row.overrides.all() if queries.counts(item)]
    return ScheduleDetailOut(**_schedule(row).model_dump(), rotations=rotations, overrides=overrides)


def _rotation(row: Rotation, pure: resolve.Rotation, begins: datetime, ends: datetime) -> RotationOut:
    return RotationOut(
        id=row.pk,
        participants=[PersonOut(id=member.person_id, name=member.person.name) for member in row.members.all()],
        handoff_weekday=row.handoff_weekday,
        handoff_time=row.handoff_time.isoformat("seconds" if row.handoff_time.second else "minutes"),
        starts_on=row.starts_on,
        weeks=row.weeks,
        time_zone=pure.time_zone,
        begins_at=begins,
        ends_at=ends if ends < resolve.FAR else None,
    )


def _override(row: Override) -> OverrideOut:
    return OverrideOut(
        id=row.pk, person_id=row.person_id, starts_at=row.starts_at, ends_at=row.ends_at, reason=row.reason
    )


@router.put(
    "/schedules/{slug}/rotation",
    response=ScheduleDetailOut,
    operation_id="set_rotation",
    summary="Change the turn order",
)
def set_rotation(request: HttpRequest, slug: Slug, data: RotationIn) -> ScheduleDetailOut:
    """Let a turn order count from its first handoff on, and not before now."""
    require_scope(request, Scope.CONFIGURE)
    actions.set_rotation(queries.schedule(slug), data.draft(), actor=principal(request).actor)
    return _detail(slug)


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
    "/schedules/{slug}/overrides", response={201: OverrideOut}, operation_id="add_override", summary="Take a time"
)
def add_override(request: HttpRequest, slug: Slug, data: OverrideIn) -> Status[OverrideOut]:
    """Let a person take a time in place of the rotation."""
    require_scope(request, Scope.RESPOND)
    person = Person.objects.filter(pk=data.person_id).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    draft = drafts.OverrideDraft(person, data.starts_at, data.ends_at, data.reason)
    asks = principal(request)
    return Status(201, _override(actions.add_override(queries.schedule(slug), draft, by=asks.person, actor=asks.actor)))


@router.delete(
    "/schedules/{slug}/overrides/{override_id}",
    response={204: None},
    operation_id="cancel_override",
    summary="Give it back",
)
def cancel_override(request: HttpRequest, slug: Slug, override_id: Cursor) -> Status[None]:
    """End an override from now on."""
    require_scope(request, Scope.RESPOND)
    actions.cancel_override(queries.override(slug, override_id), actor=principal(request).actor)
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
            people=_people(shift.people),
            override_id=shift.override,
            instead_of=_people(shift.instead_of),
        )
        for shift in queries.shifts_between(queries.schedule(slug, since=start), start, end)
    ]
