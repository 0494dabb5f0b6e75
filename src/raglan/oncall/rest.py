"""REST of on call."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field, PlainValidator

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.core.schema import MAX_ID, Body, Cursor, Id, Line, ShortText, Slug, When, as_text
from raglan.oncall import actions, as_code, covers, drafts, fairness, importing, queries, resolve, sources, written
from raglan.oncall.ledger import Band
from raglan.oncall.models import CalendarSource, CoverRequest, Override, Rotation
from raglan.oncall.models import Schedule as ScheduleRow
from raglan.oncall.turns import EVERY_DAY, Window
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team

router = Router(tags=["on call"])
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


class OverrideIn(Body):
    """A time that does not go by the layers: `kind` says whether the person replaces, comes beside or is taken out."""

    person_id: Id
    kind: Literal["replace_everybody", "replace_one", "add", "remove"] = "replace_everybody"
    instead_of_id: Id | None = None
    rank: Rank = 0
    starts_at: When
    ends_at: When
    reason: Annotated[ShortText, Field(max_length=drafts.MAX_REASON)] = ""


class SourceIn(Body):
    """The address of a foreign calendar, and the rank of the layer that it fills."""

    url: Annotated[str, Field(min_length=8, max_length=2000)]
    rank: Rank = 0


class SourceOut(Schema):
    """A foreign calendar: where from, when it was tried and read last, and what is wrong with it."""

    host: str
    rank: int
    tried_at: datetime | None
    read_at: datetime | None
    problem: str


class RequestIn(Body):
    """A time of one's own that somebody else may take; without `asked_id` anybody who takes turns there."""

    starts_at: When
    ends_at: When
    asked_id: Id | None = None
    back_starts_at: When | None = None
    back_ends_at: When | None = None
    reason: Annotated[ShortText, Field(max_length=drafts.MAX_REASON)] = ""


class RequestOut(Schema):
    """A request to take a time, and how it stands."""

    id: int
    asker_id: int
    asked_id: int | None
    starts_at: datetime
    ends_at: datetime
    back_starts_at: datetime | None
    back_ends_at: datetime | None
    reason: str
    state: str


class HoursOut(Schema):
    """The hours of one person, by band, and in how many nights."""

    person_id: int
    name: str
    hours: dict[str, float]
    total: float
    nights: int


class CodeIn(Body):
    """A schedule in its written form, YAML or JSON."""

    text: Annotated[str, Field(max_length=written.MAX_BYTES)]


class PlanIn(CodeIn):
    """A written schedule, and how many days ahead to look."""

    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 56


class ImportIn(CodeIn):
    """A written schedule that is to count; `overrule` says why, although somebody in it can not be reached."""

    overrule: ShortText = ""


class CodeOut(Schema):
    """A schedule in its written form."""

    text: str


class PersonOut(Schema):
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
    participants: list[PersonOut]
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

    people: list[PersonOut]
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
    people: list[PersonOut]
    why: str
    reasons: list[ReasonOut]
    until: datetime | None
    next: NextOut | None


class ShiftOut(Schema):
    """A shift; without people it is a gap."""

    starts_at: datetime
    ends_at: datetime
    people: list[PersonOut]
    override_id: int | None
    instead_of: list[PersonOut]


class MoveOut(Schema):
    """A time at which somebody else would be on call."""

    starts_at: datetime
    ends_at: datetime
    before: list[PersonOut]
    after: list[PersonOut]


class StepsOut(Schema):
    """What a file changed, step by step."""

    schedule: str
    steps: list[str]


class PlanOut(StepsOut):
    """What a file would change, which shifts would move, and who in it can not be reached."""

    moves: list[MoveOut]
    unready: list[str]


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


def _people(people: tuple[Person, ...]) -> list[PersonOut]:
    return [PersonOut(id=person.pk, name=person.name) for person in people]


@router.get("/schedules", response=list[ScheduleOut], operation_id="list_schedules", summary="All schedules")
def list_schedules(request: HttpRequest) -> list[ScheduleOut]:
    """Return all schedules."""
    return [_schedule(row) for row in ScheduleRow.objects.select_related("team").order_by("name", "pk")]


@router.post("/schedules", response={201: ScheduleOut}, operation_id="make_schedule", summary="Make a schedule")
def make_schedule(request: HttpRequest, data: ScheduleIn) -> Status[ScheduleOut]:
    """Make a schedule with its turn order.

    409 `not_ready` when somebody in it can not be reached; `overrule` with a reason saves it all the same.
    """
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
        overrule=data.rotation.overrule,
    )
    return Status(201, _schedule(schedule))


@router.get(
    "/schedules/{slug}", response=ScheduleDetailOut, by_alias=True, operation_id="get_schedule", summary="One schedule"
)
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
    people = dict.fromkeys(member.person for member in row.members.all())
    return RotationOut(
        id=row.pk,
        layer=row.layer.name if row.layer else "",
        rank=row.rank,
        participants=_people(tuple(people)),
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


def _override(row: Override) -> OverrideOut:
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


@router.get("/schedules/{slug}/code", response=CodeOut, operation_id="export_schedule", summary="A schedule as a file")
def export_schedule(request: HttpRequest, slug: Slug) -> CodeOut:
    """Return a schedule in its written form, with the turn orders and overrides that are not over.

    Who may configure gets people by mail address, anybody else by name.
    """
    may_configure = Scope.CONFIGURE in principal(request).scopes
    document = importing.document_of(queries.schedule(slug, since=now()), with_addresses=may_configure)
    return CodeOut(text=as_code.write(document))


@router.post("/on-call/plan", response=PlanOut, operation_id="plan_schedule", summary="What a file would change")
def plan_schedule(request: HttpRequest, data: PlanIn) -> PlanOut:
    """Return what an import would do and which shifts would move; nothing is saved."""
    require_scope(request, Scope.CONFIGURE)
    asks = principal(request)
    outcome = importing.plan(as_code.read(data.text), by=asks.person, actor=asks.actor, days=data.days)
    people = Person.objects.in_bulk({pk for move in outcome.moves for pk in (*move.before, *move.after)})
    moves = [
        MoveOut(
            starts_at=move.starts_at,
            ends_at=move.ends_at,
            before=_people(tuple(people[pk] for pk in move.before)),
            after=_people(tuple(people[pk] for pk in move.after)),
        )
        for move in outcome.moves
    ]
    return PlanOut(
        schedule=outcome.slug, steps=outcome.steps, moves=moves, unready=[item.words for item in outcome.unready]
    )


@router.post("/on-call/import", response=StepsOut, operation_id="import_schedule", summary="Let a file count")
def import_schedule(request: HttpRequest, data: ImportIn) -> StepsOut:
    """Let a schedule be as a file says, from now on; what was stays as it was. Safe to send twice.

    409 `not_ready` when somebody in a new turn order can not be reached; `overrule` with a reason saves it.
    """
    require_scope(request, Scope.CONFIGURE)
    asks = principal(request)
    outcome = importing.take_over(as_code.read(data.text), by=asks.person, actor=asks.actor, overrule=data.overrule)
    return StepsOut(schedule=outcome.slug, steps=outcome.steps)


@router.put(
    "/schedules/{slug}/calendar", response=SourceOut, operation_id="set_calendar", summary="Fill it from a calendar"
)
def set_calendar(request: HttpRequest, slug: Slug, data: SourceIn) -> SourceOut:
    """Let a foreign calendar fill a schedule; it is read at once and every 15 minutes."""
    require_scope(request, Scope.CONFIGURE)
    source = sources.set_source(queries.schedule(slug), url=data.url, rank=data.rank, actor=principal(request).actor)
    return _source(source)


@router.get("/schedules/{slug}/calendar", response=SourceOut, operation_id="get_calendar", summary="The calendar")
def get_calendar(request: HttpRequest, slug: Slug) -> SourceOut:
    """Return the foreign calendar that fills a schedule: when it was read, and what is wrong with it."""
    source = queries.source_of(queries.schedule(slug))
    if source is None:
        raise NotFound("No calendar fills this rota.")
    return _source(source)


@router.delete(
    "/schedules/{slug}/calendar", response={204: None}, operation_id="end_calendar", summary="Read it no more"
)
def end_calendar(request: HttpRequest, slug: Slug) -> Status[None]:
    """Let a foreign calendar fill a schedule no more from now on."""
    require_scope(request, Scope.CONFIGURE)
    sources.end_source(queries.schedule(slug), actor=principal(request).actor)
    return Status(204, None)


def _source(row: CalendarSource) -> SourceOut:
    return SourceOut(host=row.host, rank=row.rank, tried_at=row.tried_at, read_at=row.read_at, problem=row.problem)


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
    return _detail(slug)


@router.post(
    "/schedules/{slug}/overrides", response={201: OverrideOut}, operation_id="add_override", summary="Take a time"
)
def add_override(request: HttpRequest, slug: Slug, data: OverrideIn) -> Status[OverrideOut]:
    """Let a person take a time in place of the rotation or of one person, come beside, or be taken out."""
    require_scope(request, Scope.RESPOND)
    person = _person(data.person_id, "person_id")
    gone = None if data.instead_of_id is None else _person(data.instead_of_id, "instead_of_id")
    draft = drafts.OverrideDraft(person, data.starts_at, data.ends_at, data.reason, data.kind, gone, data.rank)
    asks = principal(request)
    drafts.check_acting(draft, asks.person)
    return Status(201, _override(actions.add_override(queries.schedule(slug), draft, by=asks.person, actor=asks.actor)))


def _person(pk: int, field: str) -> Person:
    person = Person.objects.filter(pk=pk).first()
    if person is None:
        raise BadInput(field, "there is no such person", status=422)
    return person


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


@router.get(
    "/schedules/{slug}/cover-requests",
    response=list[RequestOut],
    operation_id="list_cover_requests",
    summary="Shifts that somebody is asked to take",
)
def list_cover_requests(request: HttpRequest, slug: Slug) -> list[RequestOut]:
    """Return the requests that nobody answered and that are not over."""
    return [_request(row) for row in covers.waiting(queries.schedule(slug))]


@router.post(
    "/schedules/{slug}/cover-requests",
    response={201: RequestOut},
    operation_id="ask_for_cover",
    summary="Ask somebody to take a shift",
)
def ask_for_cover(request: HttpRequest, slug: Slug, data: RequestIn) -> Status[RequestOut]:
    """Ask a person, or anybody who takes turns here, to take a time; with `back_starts_at` and its end it is a swap."""
    require_scope(request, Scope.RESPOND)
    asked = None if data.asked_id is None else _person(data.asked_id, "asked_id")
    if (data.back_starts_at is None) != (data.back_ends_at is None):
        raise BadInput("back_ends_at", "write both ends of the time in return", status=422)
    back = (data.back_starts_at, data.back_ends_at) if data.back_starts_at and data.back_ends_at else None
    draft = covers.RequestDraft(data.starts_at, data.ends_at, asked, back, data.reason)
    return Status(201, _request(covers.ask(queries.schedule(slug), draft, by=_somebody(request))))


@router.post(
    "/schedules/{slug}/cover-requests/{request_id}/{answer}",
    response=RequestOut,
    operation_id="answer_cover_request",
    summary="Take, decline or withdraw a request",
)
def answer_cover_request(
    request: HttpRequest, slug: Slug, request_id: Cursor, answer: Literal["take", "decline", "withdraw"]
) -> RequestOut:
    """Answer a request; to take it makes the overrides."""
    require_scope(request, Scope.RESPOND)
    row, by = covers.find(slug, request_id), _somebody(request)
    match answer:
        case "take":
            covers.take(row, by=by)
        case "decline":
            covers.decline(row, by=by)
        case "withdraw":
            covers.withdraw(row, by=by)
    return _request(covers.find(slug, request_id))


def _somebody(request: HttpRequest) -> Person:
    person = principal(request).person
    if person is None:
        raise NotAllowed("A person does this; use the token of a person.")
    return person


def _request(row: CoverRequest) -> RequestOut:
    return RequestOut(
        id=row.pk,
        asker_id=row.asker_id,
        asked_id=row.asked_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        back_starts_at=row.back_starts_at,
        back_ends_at=row.back_ends_at,
        reason=row.reason,
        state=row.state,
    )


@router.get(
    "/schedules/{slug}/hours", response=list[HoursOut], operation_id="list_hours", summary="Hours on call by band"
)
def list_hours(request: HttpRequest, slug: Slug, start: When, end: When) -> list[HoursOut]:
    """Return each person's hours by day, night, weekend and holiday; for those who take turns there and their leads."""
    found = fairness.lines(queries.schedule(slug), start, end, reader=_somebody(request))
    return [
        HoursOut(
            person_id=line.person.pk,
            name=line.person.name,
            hours=dict(zip(Band, line.bands, strict=True)),
            total=line.total,
            nights=line.hours.nights,
        )
        for line in found
    ]


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
