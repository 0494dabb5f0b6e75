"""REST of rooms: declared, named, where it stands, who is there, closed."""

from datetime import timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.alerts.models import AlertGroup
from raglan.catalog.queries import all_named
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.core.rest import Router
from raglan.core.schema import Body, Cursor, Id, Instant, Limit, Line, ShortText, Text
from raglan.incidents import actions, catching_up, queries
from raglan.incidents.models import Incident
from raglan.incidents.rest.shapes import (
    CatchUpOut,
    IncidentDetail,
    IncidentOut,
    Slugs,
    catch_up_out,
    detail,
    fields,
    person_by_id,
)
from raglan.people.models import Person
from raglan.people.rest.caller import responder

Lines = Annotated[list[ShortText], Field(max_length=20)]

router = Router()


class IncidentIn(Body):
    """A new room."""

    title: Line
    severity: Literal["sev1", "sev2", "sev3", "sev4", "unknown"] = "unknown"
    services: Slugs = []
    state_words: ShortText = ""
    kind: Literal["incident", "near_miss"] = "incident"
    kept: Text = ""
    group_ids: Annotated[list[Id], Field(max_length=200)] = []
    private_why: Annotated[ShortText, Field(description="With a reason the room is private from the start.")] = ""


class NameIn(Body):
    """What an incident is called from now on; what is left out stays."""

    title: Line | None = None
    severity: Literal["sev1", "sev2", "sev3", "sev4", "unknown"] | None = None


class KindIn(Body):
    """Whether something broke, and if not, what kept it from being worse."""

    kind: Literal["incident", "near_miss"]
    kept: Annotated[Text | None, Field(description="What is left out stays as it is.")] = None


class NearMissIn(Body):
    """A near miss, told afterwards."""

    title: Line
    happened: Text
    kept: Text = ""
    services: Slugs = []
    at: Instant | None = None


class StandingIn(Body):
    """Where it stands."""

    summary: Text
    know: Lines = []
    trying: Lines = []
    unknown: Lines = []
    state: Literal["down", "slow", "fine", "unknown"] = "unknown"
    state_words: ShortText = ""
    next_update_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] | None = None
    seen_version: Cursor | None = None


class HereIn(Body):
    """What one is on."""

    doing: ShortText = ""


class LeadIn(Body):
    """Who leads."""

    person_id: Id
    note: ShortText = ""


class RoomRoleIn(Body):
    """Who has the role, or nobody, and what they should know."""

    person_id: Id | None
    note: ShortText = ""


class StandDownIn(Body):
    """Closing words."""

    summary: Text = ""


class ReopenIn(Body):
    """Why it goes on."""

    why: Text = ""


@router.get("/incidents", response=list[IncidentOut], operation_id="list_incidents", summary="Incidents")
def list_incidents(
    request: HttpRequest,
    state: Literal["", "open", "closed"] = "",
    kind: Literal["", "incident", "near_miss"] = "",
    before: Cursor = 0,
    limit: Limit = 100,
) -> list[IncidentOut]:
    """Return incidents, newest first; `before` is the id to go on from."""
    found = queries.incidents(state=state, kind=kind).order_by("-pk")
    return [
        IncidentOut.model_validate(fields(item)) for item in (found.filter(pk__lt=before) if before else found)[:limit]
    ]


@router.post("/incidents", response={201: IncidentDetail}, operation_id="declare", summary="Something is wrong")
def declare(request: HttpRequest, data: IncidentIn) -> Status[IncidentDetail]:
    """Open a room."""
    return Status(201, detail(_declare(data, responder(request))))


@atomic
def _declare(data: IncidentIn, by: Person) -> Incident:
    incident = actions.declare(
        data.title,
        by=by,
        severity=data.severity,
        services=all_named(data.services, "services"),
        state_words=data.state_words,
    )
    if data.private_why.strip():
        incident = actions.make_private(incident, data.private_why, by=by)
    if data.kind != "incident":
        actions.turn_kind(incident, data.kind, by=by, kept=data.kept)
    if data.group_ids:
        actions.join_groups(incident, list(AlertGroup.objects.filter(pk__in=data.group_ids)), by=by)
    return incident


@router.get("/incidents/{incident_id}", response=IncidentDetail, operation_id="get_incident", summary="One incident")
def get_incident(request: HttpRequest, incident_id: Cursor) -> IncidentDetail:
    """Return where it stands and who is here."""
    return detail(queries.incident(incident_id))


class AboutIn(Body):
    """Services that an incident is about, too."""

    services: Slugs


@router.post(
    "/incidents/{incident_id}/services", response=IncidentDetail, operation_id="say_about", summary="What it is about"
)
def say_about(request: HttpRequest, incident_id: Cursor, data: AboutIn) -> IncidentDetail:
    """Say which services an open incident is about, too; their alerts join it from now on."""
    incident, by = queries.incident(incident_id), responder(request)
    return detail(actions.say_about(incident, all_named(data.services, "services"), by=by))


@router.get(
    "/incidents/{incident_id}/catch-up", response=CatchUpOut, operation_id="catch_up", summary="For whoever comes late"
)
def catch_up(request: HttpRequest, incident_id: Cursor) -> CatchUpOut:
    """Return what the log says: how it first showed, what is known, tried, ruled out, under way, and wanted."""
    return catch_up_out(catching_up.card(queries.incident(incident_id)))


@router.post(
    "/incidents/{incident_id}/standing",
    response=IncidentDetail,
    operation_id="write_standing",
    summary="Where it stands",
)
def write_standing(request: HttpRequest, incident_id: Cursor, data: StandingIn) -> IncidentDetail:
    """Write where it stands; 409 when `seen_version` is not the newest."""
    minutes = data.next_update_minutes
    standing = actions.Standing(
        summary=data.summary,
        know=data.know,
        trying=data.trying,
        unknown=data.unknown,
        service_state=data.state,
        state_words=data.state_words,
        next_update=timedelta(minutes=minutes) if minutes else None,
        seen_version=data.seen_version,
    )
    return detail(actions.write_standing(queries.incident(incident_id), standing, by=responder(request)))


@router.post(
    "/incidents/{incident_id}/name", response=IncidentDetail, operation_id="rename", summary="Other words or severity"
)
def rename(request: HttpRequest, incident_id: Cursor, data: NameIn) -> IncidentDetail:
    """Change the title, the severity or both; the timeline keeps the earlier title."""
    incident = queries.incident(incident_id)
    title, severity = data.title or incident.title, data.severity or incident.severity
    return detail(actions.rename(incident, title, severity=severity, by=responder(request)))


@router.post(
    "/incidents/{incident_id}/kind", response=IncidentDetail, operation_id="turn_kind", summary="A near miss, or not"
)
def turn_kind(request: HttpRequest, incident_id: Cursor, data: KindIn) -> IncidentDetail:
    """Call an incident a near miss, with what kept it from being worse, or an incident after all."""
    by, incident = responder(request), queries.incident(incident_id)
    return detail(actions.turn_kind(incident, data.kind, by=by, kept=data.kept))


@router.post(
    "/near-misses", response={201: IncidentDetail}, operation_id="write_near_miss", summary="A near miss, afterwards"
)
def write_near_miss(request: HttpRequest, data: NearMissIn) -> Status[IncidentDetail]:
    """Write a near miss down afterwards: its room is closed at once, and a review is drafted."""
    told = actions.NearMiss(
        data.title, data.happened, kept=data.kept, services=all_named(data.services, "services"), at=data.at
    )
    return Status(201, detail(actions.write_near_miss(told, by=responder(request))))


@router.post("/incidents/{incident_id}/here", response=IncidentDetail, operation_id="be_here", summary="I am here")
def be_here(request: HttpRequest, incident_id: Cursor, data: HereIn) -> IncidentDetail:
    """Join the room, or say what one is on."""
    incident = queries.incident(incident_id)
    actions.be_here(incident, by=responder(request), doing=data.doing)
    return detail(incident)


class OfferIn(Body):
    """What one can be asked, and for how long."""

    words: ShortText
    hours: Annotated[float, Field(ge=0.25, le=12)] = 2


@router.put("/incidents/{incident_id}/offer", response=IncidentDetail, operation_id="offer_help", summary="Ask me")
def offer_help(request: HttpRequest, incident_id: Cursor, data: OfferIn) -> IncidentDetail:
    """Say what one can be asked in an open room; one is in it by that. It ends with its time, and with the room."""
    incident, by = queries.incident(incident_id), responder(request)
    actions.offer_help(incident, data.words, by=by, length=timedelta(hours=data.hours))
    return detail(incident)


@router.delete(
    "/incidents/{incident_id}/offer", response=IncidentDetail, operation_id="take_offer_back", summary="No more"
)
def take_offer_back(request: HttpRequest, incident_id: Cursor) -> IncidentDetail:
    """Take back what one offered in a room."""
    incident = queries.incident(incident_id)
    actions.take_offer_back(incident, by=responder(request))
    return detail(incident)


@router.post("/incidents/{incident_id}/leave", response=IncidentDetail, operation_id="leave", summary="I leave")
def leave(request: HttpRequest, incident_id: Cursor) -> IncidentDetail:
    """Leave the room."""
    incident = queries.incident(incident_id)
    actions.leave(incident, by=responder(request))
    return detail(incident)


@router.post("/incidents/{incident_id}/lead", response=IncidentDetail, operation_id="take_lead", summary="Who leads")
def take_lead(request: HttpRequest, incident_id: Cursor, data: LeadIn) -> IncidentDetail:
    """Give the lead to a person."""
    by = responder(request)
    person = Person.objects.filter(pk=data.person_id, is_active=True).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    return detail(actions.take_lead(queries.incident(incident_id), person, by=by, note=data.note))


@router.post(
    "/incidents/{incident_id}/roles/{role}", response=IncidentDetail, operation_id="hand_over", summary="Hand over"
)
def hand_over(
    request: HttpRequest, incident_id: Cursor, role: Literal["lead", "scribe"], data: RoomRoleIn
) -> IncidentDetail:
    """Give a role to a person, or to nobody, with a note that stands in the timeline."""
    by, person = responder(request), person_by_id(data.person_id, "person_id")
    return detail(actions.hand_over(queries.incident(incident_id), role, person, by=by, note=data.note))


@router.post(
    "/incidents/{incident_id}/stand-down",
    response=IncidentDetail,
    operation_id="stand_down",
    summary="Close the incident",
)
def stand_down(request: HttpRequest, incident_id: Cursor, data: StandDownIn) -> IncidentDetail:
    """Stand down; a review is drafted."""
    return detail(actions.stand_down(queries.incident(incident_id), by=responder(request), words=data.summary))


@router.post("/incidents/{incident_id}/reopen", response=IncidentDetail, operation_id="reopen", summary="Reopen")
def reopen(request: HttpRequest, incident_id: Cursor, data: ReopenIn) -> IncidentDetail:
    """Go on."""
    return detail(actions.reopen(queries.incident(incident_id), by=responder(request), why=data.why))
