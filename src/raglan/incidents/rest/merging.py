"""REST of merging: one room into another and out again, and some of a room into a new one."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.catalog.queries import all_named
from raglan.core.rest import Router
from raglan.core.schema import Body, Cursor, Id, Line
from raglan.incidents import actions, queries
from raglan.incidents.rest.shapes import IncidentDetail, Slugs, detail
from raglan.people.rest.caller import responder

router = Router()
Key = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")]
Ids = Annotated[list[Id], Field(max_length=2_000)]


class MergeIn(Body):
    """Into which incident; and who sees it then, where one of the two is private and the other is not."""

    into: Id
    outcome: Literal["", "private", "open"] = ""


class SplitIn(Body):
    """What goes on in a new room. The same key splits once."""

    title: Line
    entry_ids: Ids = []
    group_ids: Ids = []
    task_ids: Ids = []
    services: Slugs = []
    key: Key = ""


@router.post("/incidents/{incident_id}/merge", response=IncidentDetail, operation_id="merge", summary="Merge into")
def merge(request: HttpRequest, incident_id: Cursor, data: MergeIn) -> IncidentDetail:
    """Let an incident go on in another one, with all that belongs to it. Returns the other one."""
    by, incident = responder(request), queries.incident(incident_id)
    return detail(actions.merge(incident, queries.incident(data.into), by=by, outcome=data.outcome))


@router.post(
    "/incidents/{incident_id}/merge/undo", response=IncidentDetail, operation_id="undo_merge", summary="Take out again"
)
def undo_merge(request: HttpRequest, incident_id: Cursor) -> IncidentDetail:
    """Take a merged incident out again, with what it brought; 409 says what stands against it."""
    by, incident = responder(request), queries.incident(incident_id)
    return detail(actions.undo_merge(incident, by=by))


@router.post(
    "/incidents/{incident_id}/split", response={201: IncidentDetail}, operation_id="split", summary="Split a room"
)
def split(request: HttpRequest, incident_id: Cursor, data: SplitIn) -> Status[IncidentDetail]:
    """Let entries, alert groups, tasks and services go on in a new incident; both rooms say so."""
    by, incident = responder(request), queries.incident(incident_id)
    chosen = actions.Chosen(
        title=data.title,
        entries=data.entry_ids,
        groups=data.group_ids,
        tasks=data.task_ids,
        services=all_named(data.services, "services"),
        key=data.key,
    )
    return Status(201, detail(actions.split(incident, chosen, by=by)))
