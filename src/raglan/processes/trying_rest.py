"""REST of experiments with processes, and of who is in the kitchen."""

from datetime import date, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit, Line, ShortText, Slug, Text
from raglan.people.access import Scope, principal, require_scope
from raglan.people.rest.caller import responder
from raglan.processes import actions, experiments, kitchen, queries
from raglan.processes.models import Claim, Experiment

router = Router(tags=["processes"])
Words = Annotated[Text, Field(max_length=experiments.MAX_TEXT)]
Minutes = Annotated[int, Field(ge=1, le=kitchen.MOST_MINUTES)]


class ExperimentIn(Body):
    """Another way of a process, and for how many weeks it is tried."""

    variant: Annotated[Words, Field(min_length=1)]
    weeks: Annotated[int, Field(ge=1, le=experiments.MOST_WEEKS)] = 4


class JudgementIn(Body):
    """What becomes of it, how it was used, what it caught, and why."""

    decision: Literal["keep", "change", "drop"]
    reason: Annotated[Words, Field(min_length=1)]
    used: Words = ""
    caught: Words = ""


class ExperimentOut(Schema):
    """An experiment; `state` is going, keep, change or drop."""

    id: int
    process: str
    variant: str
    weeks: int
    began_on: date
    due_on: date
    state: str
    used: str
    caught: str
    reason: str
    ended_on: date | None


class ClaimIn(Body):
    """Where one wants to be; `beside` goes in though others are there."""

    place: Line
    minutes: Minutes = 60
    what: ShortText = ""
    beside: bool = False


class StayIn(Body):
    """For how many minutes from now."""

    minutes: Minutes


class ClaimOut(Schema):
    """A claim; `state` is in, waiting or over. It locks nothing."""

    id: int
    is_mine: bool
    place: str
    what: str
    person: str
    state: str
    asked_at: datetime
    began_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None


class LastsOut(Schema):
    """How long claims of a place were asked for and how long they lasted, in minutes (the middle one)."""

    claims: int
    asked: int
    lasted: int
    ran_out: int


class PlaceOut(Schema):
    """A place, who is there, and who waits, in order."""

    place: str
    inside: list[ClaimOut]
    waiting: list[ClaimOut]
    lasts: LastsOut | None


@router.get(
    "/experiments/due", response=list[ExperimentOut], operation_id="due_experiments", summary="Experiments that are due"
)
def due_experiments(request: HttpRequest, skip: Cursor = 0, limit: Limit = 100) -> list[ExperimentOut]:
    """Return experiments whose weeks are over and of which nobody said yet what came, after `skip`."""
    return [_experiment(one, one.process.slug) for one in experiments.due()[skip : skip + limit]]


@router.get(
    "/processes/{slug}/experiments",
    response=list[ExperimentOut],
    operation_id="list_experiments",
    summary="What was tried beside a process",
)
def list_experiments(request: HttpRequest, slug: Slug, skip: Cursor = 0, limit: Limit = 100) -> list[ExperimentOut]:
    """Return experiments, the newest first, after `skip`."""
    return [_experiment(one, slug) for one in experiments.of(queries.process(slug))[skip : skip + limit]]


@router.post(
    "/processes/{slug}/experiments",
    response={201: ExperimentOut},
    operation_id="begin_experiment",
    summary="Try another way",
)
def begin_experiment(request: HttpRequest, slug: Slug, data: ExperimentIn) -> Status[ExperimentOut]:
    """Try another way of a process for some weeks."""
    made = experiments.begin(queries.process(slug), data.variant, weeks=data.weeks, writer=_writer(request))
    return Status(201, _experiment(made, slug))


@router.post(
    "/processes/{slug}/experiments/{experiment_id}/end",
    response=ExperimentOut,
    operation_id="end_experiment",
    summary="Keep, change or drop",
)
def end_experiment(request: HttpRequest, slug: Slug, experiment_id: Cursor, data: JudgementIn) -> ExperimentOut:
    """Say what came of another way."""
    writer, found = _writer(request), experiments.one(queries.process(slug), experiment_id)
    judged = experiments.Judgement(data.decision, data.used, data.caught, data.reason)
    return _experiment(experiments.end(found, judged, writer=writer), slug)


@router.get("/kitchen", response=list[PlaceOut], operation_id="list_kitchen", summary="Who is in the kitchen")
def list_kitchen(request: HttpRequest) -> list[PlaceOut]:
    """Return the places that people share to test, with who is there and who waits."""
    return [
        PlaceOut(
            place=place.name,
            inside=[_claim(one, request) for one in place.inside],
            waiting=[_claim(one, request) for one in place.waiting],
            lasts=LastsOut.model_validate(place.lasts, from_attributes=True) if place.lasts else None,
        )
        for place in kitchen.places()
    ]


@router.post("/kitchen", response={201: ClaimOut}, operation_id="make_claim", summary="Go to a place, or wait for it")
def make_claim(request: HttpRequest, data: ClaimIn) -> Status[ClaimOut]:
    """Say where one is. When others are there, one waits, unless `beside` is true."""
    by = responder(request)
    wanted = kitchen.Wanted(data.place, data.minutes, data.what, data.beside)
    return Status(201, _claim(kitchen.claim(wanted, by=by), request))


@router.post("/kitchen/{claim_id}/begin", response=ClaimOut, operation_id="begin_claim", summary="Go in after waiting")
def begin_claim(request: HttpRequest, claim_id: Cursor) -> ClaimOut:
    """Say that one is there now."""
    by = responder(request)
    return _claim(kitchen.begin(kitchen.going(claim_id), by=by), request)


@router.post("/kitchen/{claim_id}/stay", response=ClaimOut, operation_id="extend_claim", summary="Stay longer")
def extend_claim(request: HttpRequest, claim_id: Cursor, data: StayIn) -> ClaimOut:
    """Stay longer, counted from now."""
    by = responder(request)
    return _claim(kitchen.extend(kitchen.going(claim_id), data.minutes, by=by), request)


@router.post("/kitchen/{claim_id}/leave", response=ClaimOut, operation_id="leave_claim", summary="Leave a place")
def leave_claim(request: HttpRequest, claim_id: Cursor) -> ClaimOut:
    """Leave a place, or wait for it no more."""
    by = responder(request)
    return _claim(kitchen.leave(kitchen.going(claim_id), by=by), request)


def _writer(request: HttpRequest) -> actions.Writer:
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    return actions.Writer(who.actor, who.person)


def _experiment(one: Experiment, slug: str) -> ExperimentOut:
    return ExperimentOut(
        id=one.pk,
        process=slug,
        variant=one.variant,
        weeks=one.weeks,
        began_on=one.began_on,
        due_on=one.due_on,
        state=one.state,
        used=one.used,
        caught=one.caught,
        reason=one.reason,
        ended_on=one.ended_on,
    )


def _claim(one: Claim, request: HttpRequest) -> ClaimOut:
    person = principal(request).person
    return ClaimOut(
        id=one.pk,
        is_mine=person is not None and one.person_id == person.pk,
        place=one.place,
        what=one.what,
        person=one.person.name,
        state=one.state,
        asked_at=one.asked_at,
        began_at=one.began_at,
        expires_at=one.expires_at,
        ended_at=one.ended_at,
    )
