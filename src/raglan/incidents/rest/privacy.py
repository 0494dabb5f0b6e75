"""REST of private incidents: made private and opened up, the list, the audit, the exception."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.errors import BadInput
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, ShortText, Slug
from raglan.incidents import actions, privacy, privacy_audit, queries
from raglan.incidents.models import Incident
from raglan.incidents.rest.shapes import IncidentDetail, detail, person_by_id
from raglan.people.access import Scope, principal, require_administrator, require_scope
from raglan.people.models import Person, Team
from raglan.people.queries import named_team
from raglan.people.rest.caller import responder

router = Router()


class PrivateIn(Body):
    """Whether it is private from now on, why, and who sees it then beside those who see it at once."""

    is_private: bool
    why: ShortText
    person_ids: Annotated[list[Id], Field(max_length=100)] = []
    teams: Annotated[list[Slug], Field(max_length=50)] = []


class ListIn(Body):
    """A person or a team that sees it as well."""

    person_id: Id | None = None
    team: Slug | None = None
    why: ShortText = ""


class ReasonIn(Body):
    """Why."""

    why: ShortText


class ExceptionIn(ReasonIn):
    """Which private incident, and why."""

    incident_id: Id


class ListedOut(Schema):
    """A line of the list."""

    id: int
    person_id: int | None
    team: str | None
    name: str
    how: str
    why: str
    by: str | None
    at: datetime


class TraceOut(Schema):
    """One thing that happened to the privacy of an incident."""

    at: datetime
    what: str
    whom: str
    by: str
    why: str
    is_exception: bool


class PrivacyOut(Schema):
    """Whether an incident is private, who sees it, and what happened to that, newest first."""

    is_private: bool
    why: str
    listed: list[ListedOut]
    audit: list[TraceOut]


def _out(incident_id: int) -> PrivacyOut:
    incident = Incident.objects.get(pk=incident_id)
    lines = [
        ListedOut(
            id=line.pk,
            person_id=line.person_id,
            team=line.team.slug if line.team else None,
            name=line.who,
            how=line.how,
            why=line.why,
            by=line.by.name if line.by else None,
            at=line.at,
        )
        for line in privacy.listed(incident)
    ]
    audit = [TraceOut.model_validate(asdict(trace)) for trace in privacy_audit.traces(incident)]
    return PrivacyOut(is_private=incident.is_private, why=incident.listed_why, listed=lines, audit=audit)


@router.get(
    "/incidents/{incident_id}/privacy", response=PrivacyOut, operation_id="get_privacy", summary="Who may know of it"
)
def get_privacy(request: HttpRequest, incident_id: Cursor) -> PrivacyOut:
    """Return the list of a private incident, and who came on it, went off it, or looked by exception."""
    return _out(queries.incident(incident_id).pk)


@router.post(
    "/incidents/{incident_id}/privacy", response=PrivacyOut, operation_id="set_privacy", summary="Private, or open"
)
def set_privacy(request: HttpRequest, incident_id: Cursor, data: PrivateIn) -> PrivacyOut:
    """Make an incident private, or open it up for everyone again."""
    by, incident = responder(request), queries.incident(incident_id)
    if not data.is_private:
        actions.open_up(incident, data.why, by=by)
    else:
        actions.make_private(incident, data.why, by=by, whom=_whom(data.person_ids, data.teams))
    return _out(incident_id)


def _whom(person_ids: list[int], teams: list[str]) -> list[Person | Team]:
    people = [person_by_id(pk, "person_ids") for pk in person_ids]
    return [one for one in (*people, *(named_team(slug, "teams") for slug in teams)) if one is not None]


@router.post(
    "/incidents/{incident_id}/privacy/list", response=PrivacyOut, operation_id="put_on_list", summary="Let them see it"
)
def put_on_list(request: HttpRequest, incident_id: Cursor, data: ListIn) -> PrivacyOut:
    """Put a person or a team on the list."""
    by, incident = responder(request), queries.incident(incident_id)
    whom = person_by_id(data.person_id, "person_id") or named_team(data.team)
    if whom is None or (data.person_id and data.team):
        raise BadInput("person_id", "name exactly one of person_id and team", status=422)
    actions.put_on_list(incident, whom, by=by, why=data.why)
    return _out(incident_id)


@router.post(
    "/incidents/{incident_id}/privacy/list/{listed_id}/take-off",
    response={204: None},
    operation_id="take_off_list",
    summary="Let them see it no more",
)
def take_off_list(request: HttpRequest, incident_id: Cursor, listed_id: Cursor, data: ReasonIn) -> Status[None]:
    """Take somebody off the list; 409 for the lead, and for the last."""
    by, incident = responder(request), queries.incident(incident_id)
    actions.take_off_list(incident, listed_id, by=by, why=data.why)
    return Status(204, None)


@router.post(
    "/private-incidents/exceptions",
    response=IncidentDetail,
    operation_id="look_by_exception",
    summary="Look at a private incident by exception",
)
def look_by_exception(request: HttpRequest, data: ExceptionIn) -> IncidentDetail:
    """Let an administrator see a private incident; it stands in the room, and the lead is told."""
    require_scope(request, Scope.CONFIGURE)
    by = require_administrator(principal(request).person)
    return detail(actions.look_by_exception(data.incident_id, data.why, by=by))
