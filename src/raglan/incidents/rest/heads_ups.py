"""REST of heads-ups."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.catalog.queries import called
from raglan.core.clock import now
from raglan.core.keys import key_of
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, ShortText, Text
from raglan.incidents import actions, queries
from raglan.incidents.rest.shapes import url
from raglan.people.access import Scope, principal, require_scope
from raglan.people.rest.caller import own, responder

router = Router()


class HeadsUpIn(Body):
    """Only the text is needed. The same `key` of the same person again gives no second one.

    Services go by short name or name. One that is not known does not stop it; `not_known` names it.
    """

    text: Text
    services: Annotated[list[ShortText], Field(max_length=50)] = []
    did: Text = ""
    saw: Text = ""
    reach: Text = ""
    need: Text = ""
    key: ShortText = ""


class HeadsUpOut(Schema):
    """The heads-up and its room."""

    heads_up_id: int
    incident_id: int
    url: str
    told: list[str]
    thanks: str
    not_known: list[str] = []


class ThanksIn(Body):
    """Words of thanks; empty ones bring back raglan's own."""

    words: ShortText


class ThanksOut(Schema):
    """The words that thank for a heads-up."""

    words: str


class AddressOut(Schema):
    """An address for heads-ups by mail. What is secret in it is shown once, when it is made."""

    made_at: datetime | None
    address: str = ""


@router.post("/heads-up", response={201: HeadsUpOut}, operation_id="heads_up", summary="I think I broke something")
def heads_up(request: HttpRequest, data: HeadsUpIn) -> Status[HeadsUpOut]:
    """Tell everyone at once and nudge whoever is on call."""
    by = responder(request)
    services, not_known = called(data.services)
    warned = actions.Warned(
        text=data.text,
        did=data.did,
        saw=data.saw,
        reach=data.reach,
        need=data.need,
        services=services,
        key=key_of(data.key),
    )
    given = actions.give_heads_up(warned, by=by)
    out = HeadsUpOut(
        heads_up_id=given.pk,
        incident_id=given.incident_id or 0,
        url=url(given.incident_id or 0),
        told=[person.name for person in queries.told_of(given, now())],
        thanks=queries.thanks(),
        not_known=not_known,
    )
    return Status(201, out)


@router.get("/heads-up/thanks", response=ThanksOut, operation_id="show_thanks", summary="Words of thanks")
def show_thanks(request: HttpRequest) -> ThanksOut:
    """Return the words that thank for a heads-up."""
    return ThanksOut(words=queries.thanks())


@router.put("/heads-up/thanks", response=ThanksOut, operation_id="change_thanks", summary="Choose the words of thanks")
def change_thanks(request: HttpRequest, data: ThanksIn) -> ThanksOut:
    """Choose the words that thank for a heads-up."""
    require_scope(request, Scope.CONFIGURE)
    return ThanksOut(words=actions.change_thanks(data.words, by=principal(request).actor))


@router.get("/heads-up/address", response=AddressOut, operation_id="show_heads_up_address", summary="Is there one?")
def show_heads_up_address(request: HttpRequest) -> AddressOut:
    """Return since when the caller has an address for heads-ups by mail."""
    known = queries.heads_up_address(responder(request))
    return AddressOut(made_at=known.made_at if known else None)


@router.post(
    "/heads-up/address",
    response={201: AddressOut},
    operation_id="make_heads_up_address",
    summary="Make an address for heads-ups by mail",
)
def make_heads_up_address(request: HttpRequest) -> Status[AddressOut]:
    """Make the caller's address for heads-ups by mail; an earlier one works no more."""
    person = own(request, responder(request).pk)
    address = queries.address_words(actions.make_address(person, actor=principal(request).actor))
    known = queries.heads_up_address(person)
    return Status(201, AddressOut(made_at=known.made_at if known else None, address=address))


@router.delete(
    "/heads-up/address", response={204: None}, operation_id="end_heads_up_address", summary="End that address"
)
def end_heads_up_address(request: HttpRequest) -> Status[None]:
    """Let the caller's address for heads-ups by mail work no more."""
    actions.end_address(responder(request), actor=principal(request).actor)
    return Status(204, None)
