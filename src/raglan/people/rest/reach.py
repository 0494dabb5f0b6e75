"""REST of a person's own things: contact methods, tokens, browsers."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Line, ShortText
from raglan.people import actions, ports, queries
from raglan.people.access import Scope, principal
from raglan.people.models import ApiToken, ContactMethod, Person, SignIn
from raglan.people.rest.caller import own

router = Router()


class ContactIn(Body):
    """A way to reach somebody."""

    kind: Literal["email", "webhook", "ntfy", "sms", "voice", "apprise"]
    address: Annotated[str, Field(min_length=1, max_length=500)]
    label: ShortText = ""


class ContactOut(Schema):
    """A way to reach somebody."""

    id: int
    kind: str
    address: str
    label: str
    confirmed_at: datetime | None


class TokenIn(Body):
    """A new token."""

    name: Line
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = 365


class TokenOut(Schema):
    """A token, without its secret."""

    id: int
    name: str
    prefix: str
    scopes: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenMade(TokenOut):
    """A token with its secret, shown this once."""

    token: str


class Sentence(Schema):
    """A sentence for people."""

    message: str


class BrowserOut(Schema):
    """A browser in which somebody is signed in."""

    id: int
    at: datetime
    browser: str
    address: str


@router.get(
    "/people/{person_id}/contact-methods",
    response=list[ContactOut],
    operation_id="list_contacts",
    summary="Ways to reach somebody",
)
def list_contacts(request: HttpRequest, person_id: Cursor) -> list[ContactMethod]:
    """Return ways to reach oneself, or anybody with the configure scope."""
    return list(queries.contacts(own(request, person_id)))


@router.post(
    "/people/{person_id}/contact-methods", response={201: ContactOut}, operation_id="add_contact", summary="Add a way"
)
def add_contact(request: HttpRequest, person_id: Cursor, data: ContactIn) -> Status[ContactMethod]:
    """Add a way to reach somebody."""
    person = own(request, person_id)
    contact = actions.add_contact(
        person, kind=data.kind, address=data.address, label=data.label, actor=principal(request).actor
    )
    return Status(201, contact)


@router.delete(
    "/contact-methods/{contact_id}", response={204: None}, operation_id="remove_contact", summary="Remove a way"
)
def remove_contact(request: HttpRequest, contact_id: Cursor) -> Status[None]:
    """Remove a way to reach somebody; the last one stays."""
    actions.remove_contact(_contact(request, contact_id), actor=principal(request).actor)
    return Status(204, None)


@router.post(
    "/contact-methods/{contact_id}/test", response={202: Sentence}, operation_id="send_test", summary="Send a test"
)
def send_test(request: HttpRequest, contact_id: Cursor) -> Status[Sentence]:
    """Send a test along the whole path."""
    contact = _contact(request, contact_id)
    return Status(202, Sentence(message=ports.send_test(contact, principal(request).person or contact.person)))


def _contact(request: HttpRequest, contact_id: int) -> ContactMethod:
    contact = ContactMethod.objects.select_related("person").filter(pk=contact_id).first()
    if contact is None:
        raise NotFound("There is no such way to reach somebody.")
    own(request, contact.person_id)
    return contact


@router.get("/people/{person_id}/tokens", response=list[TokenOut], operation_id="list_tokens", summary="Tokens")
def list_tokens(request: HttpRequest, person_id: Cursor) -> list[ApiToken]:
    """Return tokens without their secrets."""
    return list(queries.tokens(own(request, person_id)))


@router.post("/people/{person_id}/tokens", response={201: TokenMade}, operation_id="make_token", summary="Make a token")
def make_token(request: HttpRequest, person_id: Cursor, data: TokenIn) -> Status[TokenMade]:
    """Make a token; its secret is in this answer only. It can do no more, and lives no longer, than what makes it."""
    person = own(request, person_id)
    maker = principal(request)
    if maker.person is None or (maker.person.pk != person.pk and maker.person.role != Person.Role.ADMINISTRATOR):
        raise NotAllowed("A token acts in its person’s name: make your own, or ask an administrator.")
    for number, scope in enumerate(data.scopes):
        if scope not in principal(request).scopes:
            raise BadInput(f"scopes[{number}]", "is more than you may do yourself", status=422)
    token, secret = actions.issue_token(
        person, name=data.name, scopes=data.scopes, days=_days(data.expires_in_days, maker.token), actor=maker.actor
    )
    base = TokenOut.model_validate(token, from_attributes=True).model_dump()
    return Status(201, TokenMade(**base, token=secret))


def _days(wanted: int | None, parent: ApiToken | None) -> int | None:
    """Return the days that a new token lives: as wanted, but not beyond the token that makes it."""
    if parent is None or parent.expires_at is None:
        return wanted
    left = max(1, (parent.expires_at - now()).days + 1)
    return min(wanted, left) if wanted else left


@router.delete("/tokens/{token_id}", response={204: None}, operation_id="revoke_token", summary="Revoke a token")
def revoke_token(request: HttpRequest, token_id: Cursor) -> Status[None]:
    """End a token at once."""
    token = ApiToken.objects.filter(pk=token_id).first()
    if token is None:
        raise NotFound("There is no such token.")
    own(request, token.person_id or 0)
    actions.revoke_token(token, actor=principal(request).actor)
    return Status(204, None)


@router.get("/people/{person_id}/browsers", response=list[BrowserOut], operation_id="list_browsers", summary="Browsers")
def list_browsers(request: HttpRequest, person_id: Cursor) -> list[SignIn]:
    """Return where somebody is signed in."""
    return queries.sign_ins(own(request, person_id))


@router.delete("/browsers/{browser_id}", response={204: None}, operation_id="end_browser", summary="Sign a browser out")
def end_browser(request: HttpRequest, browser_id: Cursor) -> Status[None]:
    """Sign a browser out at once."""
    found = SignIn.objects.select_related("person").filter(pk=browser_id).first()
    if found is None:
        raise NotFound("That browser is signed out already.")
    own(request, found.person_id)
    actions.end_sign_in(found)
    return Status(204, None)
