"""REST of people: people, teams, contact methods, tokens."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.core.schema import Body, Cursor, Id, Line, ShortText, Slug
from raglan.people import actions, ports, queries
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import ApiToken, ContactMethod, Person, Team

router = Router(tags=["people"])
Role = Literal["viewer", "responder", "manager", "administrator"]


class PersonIn(Body):
    """Somebody new. The mail address is also the first way to reach them."""

    name: Line
    email: Annotated[str, Field(max_length=254)]
    role: Role = "responder"
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"


class PersonOut(Schema):
    """A person. Addresses are shown to those who may set people up, and to the person."""

    id: int
    name: str
    role: str
    time_zone: str
    teams: list[str]


class TeamIn(Body):
    """A new team."""

    name: Line
    slug: Slug


class MemberIn(Body):
    """A member."""

    person_id: Id
    is_lead: bool = False


class TeamOut(Schema):
    """A team with its members."""

    id: int
    name: str
    slug: str
    members: list[int]


class ContactIn(Body):
    """A way to reach somebody."""

    kind: Literal["email", "webhook"]
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


class WhoAmI(Schema):
    """Whose token this is."""

    person_id: int | None
    name: str
    scopes: list[str]


@router.get("/whoami", response=WhoAmI, operation_id="who_am_i", summary="Whose token this is")
def who_am_i(request: HttpRequest) -> WhoAmI:
    """Return the person and scopes behind the credential."""
    who = principal(request)
    name = who.person.name if who.person else who.token.name if who.token else ""
    return WhoAmI(person_id=who.person.pk if who.person else None, name=name, scopes=sorted(who.scopes))


@router.get("/people", response=list[PersonOut], operation_id="list_people", summary="Active people")
def list_people(request: HttpRequest) -> list[PersonOut]:
    """Return people by name."""
    return [_person_out(person) for person in queries.people()]


@router.post("/people", response={201: PersonOut}, operation_id="add_person", summary="Add somebody")
def add_person(request: HttpRequest, data: PersonIn) -> tuple[int, PersonOut]:
    """Add a person; they choose a password by invitation."""
    require_scope(request, Scope.CONFIGURE)
    who = principal(request)
    if data.role == "administrator" and (who.person is None or who.person.role != Person.Role.ADMINISTRATOR):
        raise NotAllowed("Only an administrator can make another one.")
    person = actions.add_person(
        email=data.email, name=data.name, role=data.role, time_zone=data.time_zone, actor=who.actor
    )
    return 201, _person_out(person)


def _person_out(person: Person) -> PersonOut:
    teams = [membership.team.slug for membership in person.memberships.all()]
    return PersonOut(id=person.pk, name=person.name, role=person.role, time_zone=person.time_zone, teams=teams)


@router.get("/teams", response=list[TeamOut], operation_id="list_teams", summary="All teams")
def list_teams(request: HttpRequest) -> list[TeamOut]:
    """Return teams with their members."""
    return [_team_out(team) for team in queries.teams()]


@router.post("/teams", response={201: TeamOut}, operation_id="make_team", summary="Make a team")
def make_team(request: HttpRequest, data: TeamIn) -> tuple[int, TeamOut]:
    """Make a team."""
    require_scope(request, Scope.CONFIGURE)
    return 201, _team_out(actions.create_team(name=data.name, slug=data.slug, actor=principal(request).actor))


@router.post("/teams/{slug}/members", response=TeamOut, operation_id="add_member", summary="Add a member")
def add_member(request: HttpRequest, slug: Slug, data: MemberIn) -> TeamOut:
    """Put a person into a team."""
    require_scope(request, Scope.CONFIGURE)
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise NotFound("There is no such team.")
    person = Person.objects.filter(pk=data.person_id, is_active=True).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    actions.add_member(team, person, is_lead=data.is_lead, actor=principal(request).actor)
    return _team_out(team)


def _team_out(team: Team) -> TeamOut:
    return TeamOut(
        id=team.pk, name=team.name, slug=team.slug, members=[item.person_id for item in team.memberships.all()]
    )


@router.get(
    "/people/{person_id}/contact-methods",
    response=list[ContactOut],
    operation_id="list_contacts",
    summary="Ways to reach somebody",
)
def list_contacts(request: HttpRequest, person_id: Cursor) -> list[ContactMethod]:
    """Return ways to reach oneself, or anybody with the configure scope."""
    return list(queries.contacts(_own(request, person_id)))


@router.post(
    "/people/{person_id}/contact-methods", response={201: ContactOut}, operation_id="add_contact", summary="Add a way"
)
def add_contact(request: HttpRequest, person_id: Cursor, data: ContactIn) -> tuple[int, ContactMethod]:
    """Add a way to reach somebody."""
    person = _own(request, person_id)
    contact = actions.add_contact(
        person, kind=data.kind, address=data.address, label=data.label, actor=principal(request).actor
    )
    return 201, contact


@router.delete(
    "/contact-methods/{contact_id}", response={204: None}, operation_id="remove_contact", summary="Remove a way"
)
def remove_contact(request: HttpRequest, contact_id: Cursor) -> tuple[int, None]:
    """Remove a way to reach somebody; the last one stays."""
    actions.remove_contact(_contact(request, contact_id), actor=principal(request).actor)
    return 204, None


@router.post(
    "/contact-methods/{contact_id}/test", response={202: Sentence}, operation_id="send_test", summary="Send a test"
)
def send_test(request: HttpRequest, contact_id: Cursor) -> tuple[int, Sentence]:
    """Send a test along the whole path."""
    contact = _contact(request, contact_id)
    return 202, Sentence(message=ports.send_test(contact, principal(request).person or contact.person))


def _contact(request: HttpRequest, contact_id: int) -> ContactMethod:
    contact = ContactMethod.objects.select_related("person").filter(pk=contact_id).first()
    if contact is None:
        raise NotFound("There is no such way to reach somebody.")
    _own(request, contact.person_id)
    return contact


@router.get("/people/{person_id}/tokens", response=list[TokenOut], operation_id="list_tokens", summary="Tokens")
def list_tokens(request: HttpRequest, person_id: Cursor) -> list[ApiToken]:
    """Return tokens without their secrets."""
    return list(queries.tokens(_own(request, person_id)))


@router.post("/people/{person_id}/tokens", response={201: TokenMade}, operation_id="make_token", summary="Make a token")
def make_token(request: HttpRequest, person_id: Cursor, data: TokenIn) -> tuple[int, TokenMade]:
    """Make a token; its secret is in this answer only. It can do no more than who makes it."""
    person = _own(request, person_id)
    for number, scope in enumerate(data.scopes):
        if scope not in principal(request).scopes:
            raise BadInput(f"scopes[{number}]", "is more than you may do yourself", status=422)
    token, secret = actions.issue_token(
        person, name=data.name, scopes=data.scopes, days=data.expires_in_days, actor=principal(request).actor
    )
    base = TokenOut.model_validate(token, from_attributes=True).model_dump()
    return 201, TokenMade(**base, token=secret)


@router.delete("/tokens/{token_id}", response={204: None}, operation_id="revoke_token", summary="Revoke a token")
def revoke_token(request: HttpRequest, token_id: Cursor) -> tuple[int, None]:
    """End a token at once."""
    token = ApiToken.objects.filter(pk=token_id).first()
    if token is None:
        raise NotFound("There is no such token.")
    _own(request, token.person_id or 0)
    actions.revoke_token(token, actor=principal(request).actor)
    return 204, None


def _own(request: HttpRequest, person_id: int) -> Person:
    """Return a person whom the caller may look after: themselves, or anybody with the configure scope."""
    who = principal(request)
    if who.person is None or who.person.pk != person_id:
        require_scope(request, Scope.CONFIGURE)
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        raise NotFound("There is no such person.")
    _shield_administrator(who.person, person)
    return person


def _shield_administrator(caller: Person | None, person: Person) -> None:
    """Only an administrator looks after another one: else a manager could make a token that is worth more than their own."""
    if person.role != Person.Role.ADMINISTRATOR or (caller is not None and caller.pk == person.pk):
        return
    if caller is None or caller.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can change this for an administrator.")
