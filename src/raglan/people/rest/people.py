"""REST of people and teams."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Line, Slug
from raglan.people import actions, queries
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team
from raglan.people.rest.caller import own, somebody

router = Router()
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


class WhoAmI(Schema):
    """Whose token this is."""

    person_id: int | None
    name: str
    scopes: list[str]


class PersonPatch(Body):
    """What to change about a person; what is left out stays."""

    name: Line | None = None
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    theme: Literal["system", "light", "dark"] | None = None
    density: Literal["roomy", "compact"] | None = None
    shortcuts_enabled: bool | None = None
    quiet_screen: bool | None = None


class RoleIn(Body):
    """A role."""

    role: Role


class LinkOut(Schema):
    """A link that is shown this once."""

    link: str


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
def add_person(request: HttpRequest, data: PersonIn) -> Status[PersonOut]:
    """Add a person; they choose a password by invitation."""
    require_scope(request, Scope.CONFIGURE)
    who = principal(request)
    if data.role == "administrator" and (who.person is None or who.person.role != Person.Role.ADMINISTRATOR):
        raise NotAllowed("Only an administrator can make another one.")
    person = actions.add_person(
        email=data.email, name=data.name, role=data.role, time_zone=data.time_zone, actor=who.actor
    )
    return Status(201, _person_out(person))


@router.get("/people/{person_id}", response=PersonOut, operation_id="get_person", summary="One person")
def get_person(request: HttpRequest, person_id: Cursor) -> PersonOut:
    """Return a person."""
    return _person_out(queries.person(person_id))


@router.patch("/people/{person_id}", response=PersonOut, operation_id="change_person", summary="Change how they read")
def change_person(request: HttpRequest, person_id: Cursor, data: PersonPatch) -> PersonOut:
    """Change oneself, or anybody with the configure scope."""
    person = own(request, person_id)
    fields = data.model_dump(exclude_none=True)
    if fields:
        actions.update_profile(person, by=somebody(request), **fields)
    return _person_out(queries.person(person_id))


@router.put("/people/{person_id}/role", response=PersonOut, operation_id="set_role", summary="Change a role")
def set_role(request: HttpRequest, person_id: Cursor, data: RoleIn) -> PersonOut:
    """Change what somebody may do; for administrators."""
    require_scope(request, Scope.CONFIGURE)
    actions.set_role(_active(person_id), data.role, by=somebody(request))
    return _person_out(queries.person(person_id))


@router.post(
    "/people/{person_id}/invitation",
    response={201: LinkOut},
    operation_id="invite",
    summary="A link to choose a password",
)
def invite(request: HttpRequest, person_id: Cursor) -> Status[LinkOut]:
    """Make a link for somebody who can not sign in; it is in this answer only. Earlier ones end."""
    require_scope(request, Scope.CONFIGURE)
    return Status(201, LinkOut(link=actions.invitation_link(_active(person_id), by=somebody(request))))


@router.delete("/people/{person_id}", response={204: None}, operation_id="end_access", summary="End somebody’s access")
def end_access(request: HttpRequest, person_id: Cursor) -> Status[None]:
    """End a person's access at once; what they wrote stays."""
    require_scope(request, Scope.CONFIGURE)
    actions.deactivate(_active(person_id), by=somebody(request))
    return Status(204, None)


def _active(person_id: int) -> Person:
    person = queries.person(person_id)
    if not person.is_active:
        raise NotFound("There is no such person.")
    return person


def _person_out(person: Person) -> PersonOut:
    teams = [membership.team.slug for membership in person.memberships.all()]
    return PersonOut(id=person.pk, name=person.name, role=person.role, time_zone=person.time_zone, teams=teams)


@router.get("/teams", response=list[TeamOut], operation_id="list_teams", summary="All teams")
def list_teams(request: HttpRequest) -> list[TeamOut]:
    """Return teams with their members."""
    return [_team_out(team) for team in queries.teams()]


@router.post("/teams", response={201: TeamOut}, operation_id="make_team", summary="Make a team")
def make_team(request: HttpRequest, data: TeamIn) -> Status[TeamOut]:
    """Make a team."""
    require_scope(request, Scope.CONFIGURE)
    return Status(201, _team_out(actions.create_team(name=data.name, slug=data.slug, actor=principal(request).actor)))


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


@router.delete(
    "/teams/{slug}/members/{person_id}", response={204: None}, operation_id="remove_member", summary="Take a member out"
)
def remove_member(request: HttpRequest, slug: Slug, person_id: Cursor) -> Status[None]:
    """Take a person out of a team; who is not in it stays out."""
    require_scope(request, Scope.CONFIGURE)
    actions.remove_member(queries.team(slug), queries.person(person_id), actor=principal(request).actor)
    return Status(204, None)


def _team_out(team: Team) -> TeamOut:
    return TeamOut(
        id=team.pk, name=team.name, slug=team.slug, members=[item.person_id for item in team.memberships.all()]
    )
