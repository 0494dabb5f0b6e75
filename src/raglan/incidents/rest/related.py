"""REST of related incidents."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Status

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, ShortText
from raglan.incidents import actions, queries, related_queries
from raglan.incidents.models import Incident
from raglan.incidents.rest.shapes import url
from raglan.people.rest.caller import responder

router = Router()


class HowIn(Body):
    """A word on how they are related."""

    words: ShortText = ""


class RelationOut(Schema):
    """Another incident, and how it is related."""

    incident_id: int
    title: str
    state: str
    url: str
    words: str
    by: str
    at: datetime


class SuggestionOut(Schema):
    """An incident that may have to do with it, and why."""

    incident_id: int
    title: str
    state: str
    url: str
    why: str


class RelatedOut(Schema):
    """What an incident has to do with others."""

    related: list[RelationOut]
    suggestions: list[SuggestionOut]


def _brief(incident: Incident) -> dict[str, object]:
    return {
        "incident_id": incident.pk,
        "title": incident.title,
        "state": incident.state,
        "url": url(incident.pk),
    }


def related_out(incident: Incident) -> RelatedOut:
    """Return what an incident has to do with others as it is told."""
    links = related_queries.related(incident)
    told = [{**_brief(one.incident), "words": one.words, "by": one.by, "at": one.at} for one in links]
    offered = [{**_brief(one.incident), "why": one.why} for one in related_queries.suggestions(incident, links)]
    return RelatedOut.model_validate({"related": told, "suggestions": offered})


@router.get(
    "/incidents/{incident_id}/related", response=RelatedOut, operation_id="list_related", summary="Related incidents"
)
def list_related(request: HttpRequest, incident_id: Cursor) -> RelatedOut:
    """Return incidents that this one is linked with, and those that may have to do with it."""
    return related_out(queries.incident(incident_id))


@router.put(
    "/incidents/{incident_id}/related/{other_id}",
    response=RelatedOut,
    operation_id="relate",
    summary="Link two incidents",
)
def relate(request: HttpRequest, incident_id: Cursor, other_id: Cursor, data: HowIn) -> RelatedOut:
    """Link two incidents with a word on how they are related; both rooms show it."""
    by, incident = responder(request), queries.incident(incident_id)
    actions.relate(incident, queries.incident(other_id), by=by, words=data.words)
    return related_out(incident)


@router.delete(
    "/incidents/{incident_id}/related/{other_id}",
    response={204: None},
    operation_id="unrelate",
    summary="Take a link back",
)
def unrelate(request: HttpRequest, incident_id: Cursor, other_id: Cursor) -> Status[None]:
    """Take a link between two incidents back."""
    by, incident = responder(request), queries.incident(incident_id)
    actions.unrelate(incident, queries.incident(other_id), by=by)
    return Status(204, None)
