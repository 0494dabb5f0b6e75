"""REST of tools that people miss."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Status

from raglan.catalog.queries import all_named
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, ShortText, Slug, Text
from raglan.incidents import actions, learned_needs, queries
from raglan.incidents.models import LostTool
from raglan.people.rest.caller import responder

router = Router()


class ToolIn(Body):
    """Which tool is not reachable: by its name, or by the slug of a service; with words for the log, if any."""

    name: ShortText = ""
    service: Slug | None = None
    words: Text = ""


class ToolOut(Schema):
    """A tool that people miss."""

    id: int
    incident_id: int
    name: str
    service: str | None
    instead: str
    lost_at: datetime
    lost_for: list[str]
    back_at: datetime | None
    back_by: str | None


def tool_out(tool: LostTool) -> ToolOut:
    """Return a tool as it is told."""
    return ToolOut(
        id=tool.pk,
        incident_id=tool.incident_id,
        name=tool.name,
        service=tool.service.slug if tool.service else None,
        instead=tool.service.instead if tool.service else "",
        lost_at=tool.lost_at,
        lost_for=[tool.lost_by.name, *(item.person.name for item in tool.missed.all())],
        back_at=tool.back_at,
        back_by=tool.back_by.name if tool.back_by else None,
    )


def _now(tool: LostTool) -> ToolOut:
    return tool_out(queries.lost_tools(tool.incident, only_lost=False).get(pk=tool.pk))


@router.get("/lost-tools", response=list[ToolOut], operation_id="list_lost_tools", summary="What is not reachable now")
def list_lost_tools(request: HttpRequest) -> list[ToolOut]:
    """Return the tools that people in open rooms miss now."""
    return [tool_out(tool) for tool in queries.lost_tools()[:500]]


@router.get(
    "/incidents/{incident_id}/lost-tools",
    response=list[ToolOut],
    operation_id="list_lost_tools_of",
    summary="What was not reachable in a room",
)
def list_lost_tools_of(request: HttpRequest, incident_id: Cursor) -> list[ToolOut]:
    """Return the tools that were missed in a room, those that are back too."""
    found = queries.lost_tools(queries.incident(incident_id), only_lost=False)
    return [tool_out(tool) for tool in found[:500]]


@router.post(
    "/incidents/{incident_id}/lost-tools",
    response={201: ToolOut},
    operation_id="lose_tool",
    summary="A tool is not reachable for me",
)
def lose_tool(request: HttpRequest, incident_id: Cursor, data: ToolIn) -> Status[ToolOut]:
    """Put a tool on the list of a room, or confirm that it is on it."""
    service = all_named([data.service], "services")[0] if data.service else None
    tool = actions.lose_tool(
        queries.incident(incident_id), data.name, by=responder(request), service=service, words=data.words
    )
    return Status(201, _now(tool))


@router.post("/lost-tools/{tool_id}/confirm", response=ToolOut, operation_id="confirm_lost", summary="Nor for me")
def confirm_lost(request: HttpRequest, tool_id: Cursor) -> ToolOut:
    """Say that it is not reachable for oneself either."""
    return _now(actions.confirm_lost(queries.lost_tool(tool_id), by=responder(request)))


@router.post("/lost-tools/{tool_id}/back", response=ToolOut, operation_id="tool_back", summary="It is back")
def tool_back(request: HttpRequest, tool_id: Cursor) -> ToolOut:
    """Say that it answers again."""
    return _now(actions.tool_back(queries.lost_tool(tool_id), by=responder(request)))


class NeedIn(Body):
    """Which lost tool needs which service of the incident, by their short names."""

    tool: Slug
    needed: Slug


class NeedOut(Schema):
    """What a lost tool may need, and whether the catalog knows it."""

    tool: str
    needed: str
    is_known: bool


def _proposed(incident_id: int) -> list[NeedOut]:
    found = learned_needs.proposed(queries.incident(incident_id))
    return [NeedOut(tool=one.tool.slug, needed=one.needed.slug, is_known=one.is_known) for one in found]


@router.get(
    "/incidents/{incident_id}/needs",
    response=list[NeedOut],
    operation_id="list_proposed_needs",
    summary="What lost tools may need",
)
def list_proposed_needs(request: HttpRequest, incident_id: Cursor) -> list[NeedOut]:
    """Return each lost tool of the catalog with each service that the incident is about."""
    return _proposed(incident_id)


@router.post(
    "/incidents/{incident_id}/needs",
    response=list[NeedOut],
    operation_id="accept_need",
    summary="A lost tool needs a service",
)
def accept_need(request: HttpRequest, incident_id: Cursor, data: NeedIn) -> list[NeedOut]:
    """Say that it is so: the catalog keeps it among the needs of the tool."""
    learned_needs.accept(queries.incident(incident_id), data.tool, data.needed, by=responder(request))
    return _proposed(incident_id)
