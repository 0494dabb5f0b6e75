"""REST of who can come, and of words for some moments."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, ShortText, Slug, Text
from raglan.incidents import actions, queries, scripts
from raglan.incidents.models import Availability
from raglan.people.access import Scope, principal, require_scope
from raglan.people.queries import named_team
from raglan.people.rest.caller import responder

router = Router()


class AvailabilityIn(Body):
    """Whether one can come in the next hours."""

    state: Literal["free", "pulled", "heads_down"]
    hours: Annotated[float, Field(ge=0.25, le=12)] = 2
    words: ShortText = ""


class AvailabilityOut(Schema):
    """What somebody says about the next hours."""

    person_id: int
    name: str
    state: str
    words: str
    until: datetime


def _out(said: Availability) -> AvailabilityOut:
    return AvailabilityOut(
        person_id=said.person_id, name=said.person.name, state=said.state, words=said.words, until=said.until
    )


@router.get("/availability", response=list[AvailabilityOut], operation_id="who_can_come", summary="Who can come")
def who_can_come(request: HttpRequest) -> list[AvailabilityOut]:
    """Return who says now that they are free or can be pulled."""
    return [_out(said) for said in queries.can_come()[:500]]


@router.put("/availability", response=AvailabilityOut, operation_id="say_availability", summary="Whether I can come")
def say_availability(request: HttpRequest, data: AvailabilityIn) -> AvailabilityOut:
    """Say for oneself whether one can come; it is forgotten when its time is over."""
    length = timedelta(hours=data.hours)
    return _out(actions.say_availability(responder(request), data.state, length=length, words=data.words))


@router.delete(
    "/availability", response={204: None}, operation_id="take_availability_back", summary="I say nothing about it"
)
def take_availability_back(request: HttpRequest) -> Status[None]:
    """Take back what one said."""
    actions.take_availability_back(responder(request))
    return Status(204, None)


class ScriptIn(Body):
    """The words for a moment; none bring back raglan's own.

    A moment that a team adds has a title, and a `place` beside which it stands: `room` where nothing else is said,
    `heads-up`, `joining`, `handing-over`, `closing` or `shelf`.
    """

    words: Text
    title: ShortText = ""
    place: ShortText = ""


class ScriptOut(Schema):
    """What can be said at a moment; `place` is where one stands that a team added."""

    moment: str
    title: str
    words: str
    is_own: bool
    team: str
    place: str


@router.get("/scripts", response=list[ScriptOut], operation_id="list_scripts", summary="Words for some moments")
def list_scripts(request: HttpRequest, team: Slug | None = None) -> list[ScriptOut]:
    """Return short wordings for recurring moments; `is_own` says that nobody adapted it here.

    They are as the caller's team says them; with `team` as that one does.
    """
    found = scripts.shelf(reader=principal(request).person, team=named_team(team))
    return [ScriptOut.model_validate(asdict(wording)) for wording in found]


@router.put("/scripts/{moment}", response=ScriptOut, operation_id="change_script", summary="Say it otherwise here")
def change_script(request: HttpRequest, moment: Slug, data: ScriptIn, team: Slug | None = None) -> ScriptOut:
    """Adapt the words for a moment, for all or, as one of its members, for a `team`, which may add moments."""
    of = named_team(team)
    if of is None:
        require_scope(request, Scope.CONFIGURE)
    else:
        actions.must_be_of(of, responder(request))
    by = principal(request).actor
    actions.change_script(moment, data.words, by=by, team=of, title=data.title, place=data.place)
    return ScriptOut.model_validate(asdict(scripts.shelf([moment], team=of)[0]))
