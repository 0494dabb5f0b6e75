"""REST of who can come."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from raglan.core.schema import Body, ShortText
from raglan.incidents import actions, queries
from raglan.incidents.models import Availability
from raglan.incidents.rest.shapes import responder

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
