"""REST of holds: raise, extend, lift, let through, who has heard; freezes; and the gate's answer."""

from datetime import date, datetime, time
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, Field, StringConstraints

from raglan.changes import freezing, hold_queries, holding, ports
from raglan.changes.gate import PLACES, TOUCHED, Reach
from raglan.changes.hold_models import Freeze, Hold
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Instant, Limit, WallTime
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["holds"])
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(clean_text)]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(clean_text)
]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=253)]
Words = Annotated[list[Word], Field(max_length=100)]


class Reaching(Body):
    """What it is for; without any name, for everything."""

    clusters: Words = []
    roles: Words = []
    environments: Words = []
    tags: Words = []
    packages: Words = []
    changes: Words = []


class RaiseIn(Reaching):
    """A stop for automation. It begins now, or at `starts_at`, and always ends."""

    name: Name
    reason: Reason
    ends_at: Instant
    starts_at: Instant | None = None
    is_drill: bool = False
    link: Annotated[str, StringConstraints(max_length=200, pattern=r"^[a-z_]*(:\d+)?$")] = ""


class HoldChange(Body):
    """Until when a hold is to last, and the version that it was seen at."""

    ends_at: Instant
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class LiftIn(Body):
    """Why automation may go on."""

    word: Reason


class ThroughIn(Body):
    """Who may go on although a hold is for them; until its end, or until a time."""

    kind: Literal["host", "role", "tag"]
    name: Word
    reason: Reason
    ends_at: Instant | None = None


class ThroughOut(Schema):
    """An exception."""

    id: int
    kind: str
    name: str
    reason: str
    ends_at: datetime
    who: str


class HoldOut(Schema):
    """A hold as it is now."""

    id: int
    state: str
    name: str
    reason: str
    clusters: list[str]
    roles: list[str]
    environments: list[str]
    tags: list[str]
    packages: list[str]
    changes: list[str]
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    lifted_by: str
    lift_word: str
    is_drill: bool
    link: str
    freeze_id: int | None
    who: str
    version: int


class HoldWhole(HoldOut):
    """A hold with its exceptions and with how many hosts have heard of it."""

    exceptions: list[ThroughOut]
    obeyed: int
    let_through: int
    hosts: int
    went_on: int
    not_asked: int
    last_drill_at: datetime | None


class HeardOut(Schema):
    """A host that has asked under a hold; `source` is `http` or `report`."""

    host: str
    first_at: datetime
    last_at: datetime
    stopped: bool
    source: str


class SilentOut(Schema):
    """A host that a hold is for and that was not told of it; `went_on`: it asked, and was told to go on."""

    host: str
    last_heard_at: datetime
    went_on: bool


class HeardPage(Schema):
    """Who has heard of a hold, and some who were not told of it."""

    heard: list[HeardOut]
    untold: list[SilentOut]


class FreezeIn(Reaching):
    """A planned time without changes: wall time in a zone, once, or on days of each week (0 is Monday)."""

    name: Name
    reason: Reason
    zone: Annotated[str, Field(max_length=64)]
    first: date
    start: WallTime
    minutes: Annotated[int, Field(ge=1, le=freezing.LONGEST_MIN)]
    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(max_length=7)] = []
    last: date | None = None
    anyway: Annotated[
        bool, Field(description="Plan it although, with others, hosts wait for over 21 days without a break.")
    ] = False


class FreezeOut(Schema):
    """A freeze as it is kept."""

    id: int
    name: str
    reason: str
    clusters: list[str]
    roles: list[str]
    environments: list[str]
    tags: list[str]
    packages: list[str]
    changes: list[str]
    zone: str
    first: date
    start: time
    minutes: int
    days: list[int]
    last: date | None
    who: str
    ended_at: datetime | None
    ends_for_good_at: datetime | None = None

    @staticmethod
    def resolve_ends_for_good_at(freeze: Freeze) -> datetime | None:
        """Return when raglan ends one of old that would never let go."""
        return None if freeze.ended_at else freezing.ends_for_good_at(freeze, at=now())


@router.get("/holds", response=list[HoldOut], operation_id="list_holds", summary="Holds")
def list_holds(
    request: HttpRequest, state: Literal["", "on", "coming", "over"] = "", skip: Cursor = 0, limit: Limit = 50
) -> list[HoldOut]:
    """Return holds after `skip`: the newest first; of those that are on what ends last, of those to come the next."""
    found = {"on": hold_queries.on_now, "coming": hold_queries.coming, "over": hold_queries.over}
    return [
        HoldOut.model_validate(_facts(hold)) for hold in found.get(state, hold_queries.holds)()[skip : skip + limit]
    ]


@router.post("/holds", response={201: HoldWhole}, operation_id="raise_hold", summary="Stop automation")
def raise_hold(request: HttpRequest, data: RaiseIn) -> Status[HoldWhole]:
    """Raise a hold. It ends by itself, at the latest after the longest time that the options allow."""
    by = caller(request)
    draft = holding.HoldDraft(
        data.name, data.reason, data.ends_at, reach_of(data), data.starts_at, is_drill=data.is_drill, link=data.link
    )
    return Status(201, _out(holding.raise_hold(draft, by=by)))


@router.get("/holds/{hold_id}", response=HoldWhole, operation_id="get_hold", summary="One hold")
def get_hold(request: HttpRequest, hold_id: Cursor) -> HoldWhole:
    """Return one hold."""
    return _out(hold_queries.hold(hold_id))


@router.put(
    "/holds/{hold_id}", response=HoldWhole, operation_id="extend_hold", summary="Let a hold end at another time"
)
def extend_hold(request: HttpRequest, hold_id: Cursor, data: HoldChange) -> HoldWhole:
    """Extend or shorten a hold; 409 when somebody changed it since `version`, or it is over."""
    by = caller(request)
    return _out(holding.extend(hold_queries.hold(hold_id), data.ends_at, version=data.version, by=by))


@router.post("/holds/{hold_id}/lift", response=HoldWhole, operation_id="lift_hold", summary="Let automation go on")
def lift_hold(request: HttpRequest, hold_id: Cursor, data: LiftIn) -> HoldWhole:
    """End a hold now, with a word. Again is harmless."""
    by = caller(request)
    return _out(holding.lift(hold_queries.hold(hold_id), word=data.word, by=by))


@router.post(
    "/holds/{hold_id}/exceptions", response={201: ThroughOut}, operation_id="let_through", summary="Let somebody go on"
)
def let_through(request: HttpRequest, hold_id: Cursor, data: ThroughIn) -> Status[ThroughOut]:
    """Let a host, or the hosts of a role or a tag, go on although a hold is for them."""
    by = caller(request)
    through = holding.Through(data.kind, data.name, data.reason, data.ends_at)
    made = holding.let_through(hold_queries.hold(hold_id), through, by=by)
    return Status(201, ThroughOut.model_validate(made, from_attributes=True))


@router.delete(
    "/holds/{hold_id}/exceptions/{exception_id}",
    response=HoldWhole,
    operation_id="end_exception",
    summary="Take an exception back",
)
def end_exception(request: HttpRequest, hold_id: Cursor, exception_id: Cursor) -> HoldWhole:
    """End an exception now. Again is harmless."""
    by = caller(request)
    hold = hold_queries.hold(hold_id)
    holding.take_back(hold_queries.exception(exception_id, hold), by=by)
    return _out(hold)


@router.get("/holds/{hold_id}/heard", response=HeardPage, operation_id="list_heard", summary="Who has heard")
def list_heard(request: HttpRequest, hold_id: Cursor, skip: Cursor = 0, limit: Limit = 100) -> HeardPage:
    """Return hosts that asked under a hold, those let through first, and those not told; of both after `skip`."""
    hold = hold_queries.hold(hold_id)
    heard = [
        HeardOut.model_validate(row, from_attributes=True) for row in hold_queries.heard_of(hold)[skip : skip + limit]
    ]
    silent = ports.roll().call(hold, most=limit, skip=skip).some
    untold = [SilentOut(host=one.name, last_heard_at=one.last_heard_at, went_on=one.went_on) for one in silent]
    return HeardPage(heard=heard, untold=untold)


@router.get("/freezes", response=list[FreezeOut], operation_id="list_freezes", summary="Planned freezes")
def list_freezes(request: HttpRequest) -> list[Freeze]:
    """Return freezes that come again, by their first day; each gives the gate its next hold ahead of time."""
    return list(hold_queries.freezes())


@router.post("/freezes", response={201: FreezeOut}, operation_id="plan_freeze", summary="Plan a freeze")
def plan_freeze(request: HttpRequest, data: FreezeIn) -> Status[Freeze]:
    """Plan a time without changes."""
    by = caller(request)
    names = ("name", "reason", "zone", "first", "start", "minutes", "days", "last")
    facts = {name: getattr(data, name) for name in names}
    draft = freezing.FreezeDraft(reach=reach_of(data), **facts)
    return Status(201, freezing.plan_freeze(draft, by=by, anyway=data.anyway))


@router.delete("/freezes/{freeze_id}", response=FreezeOut, operation_id="end_freeze", summary="End a freeze")
def end_freeze(request: HttpRequest, freeze_id: Cursor) -> Freeze:
    """Let a freeze not come again; a hold of it that is on stays until it is lifted. Again is harmless."""
    by = caller(request)
    freezing.end_freeze(hold_queries.freeze(freeze_id), by=by)
    return hold_queries.freeze(freeze_id)


def caller(request: HttpRequest) -> holding.By:
    """Return who asks. Raises NotAllowed."""
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    name = who.person.name if who.person else who.token.name if who.token else "REST"
    return holding.By(name, who.actor, who.person)


def reach_of(data: Reaching) -> Reach:
    """Return what it is for."""
    return Reach(**{kind: tuple(getattr(data, kind)) for kind in (*PLACES, *TOUCHED)})


def _facts(hold: Hold) -> dict[str, object]:
    own = {name: getattr(hold, name) for name in HoldOut.model_fields if name != "state"}
    return {**own, "state": hold_queries.state_of(hold, now())}


def _out(hold: Hold) -> HoldWhole:
    tally, call, drill = hold_queries.tally(hold), ports.roll().call(hold, most=0), hold_queries.last_drill()
    exceptions = [ThroughOut.model_validate(one, from_attributes=True) for one in hold_queries.exceptions_of(hold)]
    more = {"obeyed": tally.obeyed, "let_through": tally.let_through, "hosts": call.hosts, "went_on": call.went_on}
    last = drill.ended_at if drill else None
    return HoldWhole.model_validate(
        {**_facts(hold), **more, "not_asked": call.not_asked, "exceptions": exceptions, "last_drill_at": last}
    )
