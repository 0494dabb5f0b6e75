"""REST of checklists."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from pydantic import Field

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Line, ShortText, Slug
from raglan.incidents import actions, checklists, queries
from raglan.incidents.checklists import ForRole
from raglan.people.access import Scope, principal, require_scope
from raglan.people.rest.caller import responder

router = Router()


class ItemsIn(Body):
    """What a role looks after; nothing brings back raglan's own list."""

    items: Annotated[list[ShortText], Field(max_length=50)]


class TickIn(Body):
    """One thing of the list, in its own words; `is_ticked` false takes the tick back."""

    item: Line
    is_ticked: bool = True


class ItemOut(Schema):
    """One thing to look after, and who ticked it when."""

    text: str
    by: str
    at: datetime | None


class ChecklistOut(Schema):
    """The list of a role."""

    role: str
    title: str
    items: list[ItemOut]
    is_own: bool


def _out(one: ForRole) -> ChecklistOut:
    items = [ItemOut(text=item.text, by=item.by, at=item.at) for item in one.items]
    return ChecklistOut(role=one.role, title=one.title, items=items, is_own=one.is_own)


@router.get("/checklists", response=list[ChecklistOut], operation_id="list_checklists", summary="Lists of roles")
def list_checklists(request: HttpRequest) -> list[ChecklistOut]:
    """Return what each role looks after; `is_own` says that nobody adapted it here."""
    return [_out(one) for one in checklists.shelf()]


@router.put(
    "/checklists/{role}", response=ChecklistOut, operation_id="change_checklist", summary="Another list for a role"
)
def change_checklist(request: HttpRequest, role: Slug, data: ItemsIn) -> ChecklistOut:
    """Adapt what a role looks after."""
    require_scope(request, Scope.CONFIGURE)
    actions.change_checklist(role, data.items, by=principal(request).actor)
    return _out(checklists.shelf([role])[0])


@router.get(
    "/incidents/{incident_id}/checklists",
    response=list[ChecklistOut],
    operation_id="list_checklists_of",
    summary="Lists of roles in a room",
)
def list_checklists_of(request: HttpRequest, incident_id: Cursor) -> list[ChecklistOut]:
    """Return the lists of all roles with what is ticked in a room."""
    return [_out(one) for one in checklists.in_room(queries.incident(incident_id))]


@router.post(
    "/incidents/{incident_id}/checklists/{role}", response=ChecklistOut, operation_id="tick", summary="Tick one thing"
)
def tick(request: HttpRequest, incident_id: Cursor, role: Slug, data: TickIn) -> ChecklistOut:
    """Tick one thing of a role's list, or take the tick back."""
    by, incident = responder(request), queries.incident(incident_id)
    act = actions.tick if data.is_ticked else actions.untick
    act(incident, role, data.item, by=by)
    return _out(checklists.in_room(incident, [role])[0])
