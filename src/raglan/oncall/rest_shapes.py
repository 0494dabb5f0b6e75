"""What REST of on call reads and answers: turn orders, shifts and people, and how they are written."""

from datetime import date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field, PlainValidator

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.core.rest import Schema
from raglan.core.schema import MAX_ID, Body, Id, ShortText, When, as_text
from raglan.oncall import drafts, queries, resolve
from raglan.oncall.models import Override, Rotation
from raglan.oncall.models import Schedule as ScheduleRow
from raglan.oncall.turns import EVERY_DAY, Window
from raglan.people.models import Person

MAX_DAYS = 400


def _sane(value: date) -> date:
    if value.year not in drafts.START_YEARS:
        raise ValueError(f"the year must be from {drafts.START_YEARS.start} to {drafts.START_YEARS.stop - 1}")
    return value


Day = Annotated[date, BeforeValidator(as_text), AfterValidator(_sane)]


WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", examples=["09:00"])]


Zone = Annotated[str, Field(min_length=1, max_length=64)]


Group = Annotated[list[Id], Field(min_length=1, max_length=drafts.MAX_GROUP)]


def _place(value: object) -> tuple[int, ...]:
    """Read one place in a turn order: the number of a person, or a list of several."""
    group = value if isinstance(value, list) else [value]
    numbers = [one for one in group if isinstance(one, int) and not isinstance(one, bool) and 0 < one <= MAX_ID]
    if len(numbers) != len(group) or not 0 < len(group) <= drafts.MAX_GROUP:
        raise ValueError(f"write the number of a person, or a list of at most {drafts.MAX_GROUP}")
    return tuple(numbers)


Place = Annotated[tuple[int, ...], PlainValidator(_place, json_schema_input_type=Id | Group)]


Rank = Annotated[int, Field(ge=drafts.RANKS.start, le=drafts.RANKS.stop - 1)]


Weekdays = Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(max_length=7)]


class WindowIn(Body):
    """A time of day, on some weekdays, at which a layer works. `to` at or before `from` is on the next day."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    from_: Annotated[WallTime, Field(alias="from")]
    to: WallTime
    weekdays: Weekdays = Field(default=list(EVERY_DAY), min_length=1)


class RotationIn(Body):
    """The turn order of a layer. Monday is 0; times are wall-clock time in `time_zone`, by default the schedule's.

    A participant may be a group. `unit` and `every` say how long a turn is; `weeks` is an older word for `every`.
    Without `layer` it is the one that has no name. `effective_from` counts it later than its first handoff.
    """

    participants: Annotated[list[Place], Field(min_length=1, max_length=drafts.MAX_PARTICIPANTS)]
    handoff_weekday: Annotated[int, Field(ge=0, le=6)] = 0
    handoff_time: WallTime = "09:00"
    starts_on: Day
    weeks: Annotated[int, Field(ge=1, le=drafts.MAX_WEEKS)] | None = None
    unit: Literal["hours", "days", "weeks", "months", "weekdays"] = "weeks"
    every: Annotated[int, Field(ge=1, le=366)] = 1
    weekdays: Weekdays = []
    windows: Annotated[list[WindowIn], Field(max_length=drafts.MAX_WINDOWS)] = []
    active_days: bool = False
    layer: Annotated[ShortText, Field(max_length=drafts.MAX_NAME)] = ""
    rank: Rank = 0
    effective_from: When | None = None
    ends_at: When | None = None
    time_zone: Zone | None = None
    overrule: Annotated[ShortText, Field(description="Why to save it although somebody can not be reached.")] = ""

    def draft(self) -> drafts.RotationDraft:
        """Return it as the action takes it."""
        return drafts.RotationDraft(
            participants=[one[0] if len(one) == 1 else one for one in self.participants],
            starts_on=self.starts_on,
            handoff_weekday=self.handoff_weekday,
            handoff_time=time.fromisoformat(self.handoff_time),
            every=self.weeks or self.every,
            time_zone=self.time_zone or "",
            unit=self.unit,
            weekdays=tuple(self.weekdays),
            windows=tuple(_window(item) for item in self.windows),
            active_days=self.active_days,
            layer=self.layer,
            rank=self.rank,
            effective_from=self.effective_from,
            ends_at=self.ends_at,
        )


def _window(item: WindowIn) -> Window:
    return Window(time.fromisoformat(item.from_), time.fromisoformat(item.to), tuple(sorted(set(item.weekdays))))


class OnCallPersonOut(Schema):
    """A person, briefly."""

    id: int
    name: str


class WindowOut(Schema):
    """A time of day, on some weekdays, at which a layer works."""

    from_: Annotated[str, Field(validation_alias=AliasChoices("from_", "from"), serialization_alias="from")]
    to: str
    weekdays: list[int]


class RotationOut(Schema):
    """A turn order, with the time in which it decides; without an end it decides until another one is set.

    `groups` are the places in order; `participants` names everybody in them once.
    """

    id: int
    layer: str
    rank: int
    participants: list[OnCallPersonOut]
    groups: list[list[int]]
    handoff_weekday: int | None
    handoff_time: WallTime
    starts_on: date
    unit: str
    every: int
    weeks: int | None
    weekdays: list[int]
    windows: list[WindowOut]
    active_days: bool
    time_zone: str
    begins_at: datetime
    ends_at: datetime | None


class OverrideOut(Schema):
    """An override as it counts."""

    id: int
    person_id: int
    kind: str
    instead_of_id: int | None
    rank: int
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

    people: list[OnCallPersonOut]
    from_: Annotated[datetime, Field(validation_alias=AliasChoices("from_", "from"), serialization_alias="from")]


class ReasonOut(Schema):
    """Why one person is on call: by which layer, or by which override and in whose place."""

    person_id: int
    source: str
    words: str
    layer: str
    override_id: int | None
    instead_of: list[int]


class DutyOut(Schema):
    """A rota at an instant. `until` is null when nobody else is planned for two years."""

    schedule: str
    name: str
    team: str | None
    people: list[OnCallPersonOut]
    why: str
    reasons: list[ReasonOut]
    until: datetime | None
    next: NextOut | None


class ShiftOut(Schema):
    """A shift; without people it is a gap."""

    starts_at: datetime
    ends_at: datetime
    people: list[OnCallPersonOut]
    override_id: int | None
    instead_of: list[OnCallPersonOut]


def duty_out(duty: queries.Duty) -> DutyOut:
    """Return a rota at an instant."""
    following = NextOut(people=people_out(duty.next_people), **{"from": duty.next_from}) if duty.next_from else None
    return DutyOut(
        schedule=duty.schedule.slug,
        name=duty.schedule.name,
        team=duty.schedule.team.slug if duty.schedule.team else None,
        people=people_out(duty.people),
        why=duty.why,
        reasons=[_reason(duty, reason) for reason in duty.reasons],
        until=duty.until,
        next=following,
    )


def _reason(duty: queries.Duty, reason: resolve.Reason) -> ReasonOut:
    return ReasonOut(
        person_id=reason.person,
        source=reason.source,
        words=reason.words,
        layer=duty.layers.get(reason.layer or 0, ""),
        override_id=reason.override,
        instead_of=list(reason.instead_of),
    )


def people_out(people: tuple[Person, ...]) -> list[OnCallPersonOut]:
    """Return people, briefly."""
    return [OnCallPersonOut(id=person.pk, name=person.name) for person in people]


def schedule_out(row: ScheduleRow) -> ScheduleOut:
    """Return a schedule."""
    team = row.team.slug if row.team else None
    return ScheduleOut(id=row.pk, name=row.name, slug=row.slug, team=team, time_zone=row.time_zone)


def detail_of(slug: str) -> ScheduleDetailOut:
    """Return a schedule with the turn orders that decide now or later, and the overrides that are not over."""
    at = now()
    row = queries.schedule(slug, since=at)
    rows = {rotation.pk: rotation for rotation in row.rotations.all()}
    rotations = [
        _rotation(rows[pure.id], pure, begins, ends)
        for pure, begins, ends in resolve.reigns(queries.load(row))
        if ends > at
    ]
    overrides = [override_out(item) for item in row.overrides.all() if queries.counts(item)]
    return ScheduleDetailOut(**schedule_out(row).model_dump(), rotations=rotations, overrides=overrides)


def _rotation(row: Rotation, pure: resolve.Rotation, begins: datetime, ends: datetime) -> RotationOut:
    people = dict.fromkeys(member.person for member in row.members.all())
    return RotationOut(
        id=row.pk,
        layer=row.layer.name if row.layer else "",
        rank=row.rank,
        participants=people_out(tuple(people)),
        groups=[[one] if isinstance(one, int) else list(one) for one in pure.participants],
        handoff_weekday=row.handoff_weekday,
        handoff_time=row.handoff_time.isoformat("seconds" if row.handoff_time.second else "minutes"),
        starts_on=row.starts_on,
        unit=row.unit,
        every=row.every,
        weeks=row.every if row.unit == "weeks" else None,
        weekdays=row.weekdays,
        windows=[WindowOut(**kept) for kept in row.windows],
        active_days=row.active_days,
        time_zone=pure.time_zone,
        begins_at=begins,
        ends_at=ends if ends < resolve.FAR else None,
    )


def override_out(row: Override) -> OverrideOut:
    """Return an override as it counts."""
    return OverrideOut(
        id=row.pk,
        person_id=row.person_id,
        kind=row.kind,
        instead_of_id=row.instead_of_id,
        rank=row.rank,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
    )


def person_named(pk: int, field: str) -> Person:
    """Return a person by number. Raises BadInput naming the field."""
    person = Person.objects.filter(pk=pk).first()
    if person is None:
        raise BadInput(field, "there is no such person", status=422)
    return person
