"""REST of what a room follows: alert groups and pages joined to it by hand, and taken out again."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from pydantic import Field

from raglan.alerts.models import AlertGroup
from raglan.core.errors import BadInput, Conflict
from raglan.core.rest import Router
from raglan.core.schema import Body, Cursor, Id
from raglan.incidents import actions, privacy, queries
from raglan.incidents.models import Incident
from raglan.incidents.rest.shapes import IncidentDetail, detail
from raglan.paging.models import Page
from raglan.people.rest.caller import responder

Thing = TypeVar("Thing", bound=Model)

router = Router()


class GroupsIn(Body):
    """Which alert groups belong to it."""

    group_ids: Annotated[list[Id], Field(min_length=1, max_length=200)]


class PagesIn(Body):
    """Which pages the room follows."""

    page_ids: Annotated[list[Id], Field(min_length=1, max_length=200)]


class OutIn(Body):
    """What does not belong to it after all."""

    group_ids: Annotated[list[Id], Field(max_length=200)] = []
    page_ids: Annotated[list[Id], Field(max_length=200)] = []


@router.post(
    "/incidents/{incident_id}/join-alerts",
    response=IncidentDetail,
    operation_id="join_alerts",
    summary="Join alert groups",
)
def join_alerts(request: HttpRequest, incident_id: Cursor, data: GroupsIn) -> IncidentDetail:
    """Join alert groups to an incident; 409 when nothing comes in, as other incidents have them."""
    incident = queries.incident(incident_id)
    groups = _all_there(AlertGroup.objects.filter(pk__in=data.group_ids), data.group_ids, "group_ids")
    actions.join_by_hand(incident, groups, by=responder(request))
    here = queries.groups_of(incident).filter(pk__in=data.group_ids)
    return _joined(incident, is_elsewhere=not here.exists())


@router.post(
    "/incidents/{incident_id}/join-pages", response=IncidentDetail, operation_id="join_pages", summary="Join pages"
)
def join_pages(request: HttpRequest, incident_id: Cursor, data: PagesIn) -> IncidentDetail:
    """Let the room tell what becomes of pages; one that another room follows stays there, 409 when nothing came."""
    incident = queries.incident(incident_id)
    pages = _all_there(Page.objects.filter(privacy.pages_seen(), pk__in=data.page_ids), data.page_ids, "page_ids")
    actions.join_by_hand(incident, (), pages, by=responder(request))
    here = Page.objects.filter(followed_by__incident=incident, pk__in=data.page_ids)
    return _joined(incident, is_elsewhere=not here.exists())


def _all_there(found: QuerySet[Thing], asked: Sequence[int], field: str) -> list[Thing]:
    """Return what was asked for. Raises BadInput naming what does not exist."""
    things = list(found.order_by("pk"))
    missing = sorted(set(asked) - {thing.pk for thing in things})
    if missing:
        raise BadInput(field, f"does not exist: {', '.join(map(str, missing[:20]))}", status=422)
    return things


def _joined(incident: Incident, *, is_elsewhere: bool) -> IncidentDetail:
    if is_elsewhere:
        raise Conflict("That belongs to another incident by now. Take it out there first.")
    return detail(incident)


@router.post(
    "/incidents/{incident_id}/take-out", response=IncidentDetail, operation_id="take_out", summary="Take alerts out"
)
def take_out(request: HttpRequest, incident_id: Cursor, data: OutIn) -> IncidentDetail:
    """Take alert groups and pages out of an incident again."""
    incident = queries.incident(incident_id)
    groups = list(AlertGroup.objects.select_related("page").filter(pk__in=data.group_ids))
    actions.take_out(incident, groups, list(Page.objects.filter(pk__in=data.page_ids)), by=responder(request))
    return detail(incident)
