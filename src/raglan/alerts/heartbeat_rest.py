"""REST of heartbeats."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field, StringConstraints

from raglan.alerts import heartbeats
from raglan.alerts.models import Heartbeat, Source
from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Limit, Line, Slug
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["heartbeats"])
Seconds = Annotated[int, Field(ge=0, le=heartbeats.PERIOD[1])]
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9 ._-]{0,99}$")]


class HeartbeatIn(Body):
    """A new heartbeat of a source. `slug` stands in its address."""

    source: Slug
    slug: Name
    name: Line
    period_s: Annotated[Seconds, Field(ge=heartbeats.PERIOD[0])] = heartbeats.DEFAULT_PERIOD_S
    grace_s: Seconds = heartbeats.DEFAULT_GRACE_S


class HeartbeatChange(Body):
    """What may change; the short name stays, because senders use it."""

    name: Line
    period_s: Annotated[Seconds, Field(ge=heartbeats.PERIOD[0])]
    grace_s: Seconds


class HeartbeatOut(Schema):
    """A heartbeat as it is now; `missing_at` is when it is missing unless it beats."""

    id: int
    source: str
    slug: str
    name: str
    period_s: int
    grace_s: int
    state: str
    why: str
    last_beat_at: datetime | None
    last_took_s: float | None
    missing_at: datetime | None


@router.get("/heartbeats", response=list[HeartbeatOut], operation_id="list_heartbeats", summary="Heartbeats")
def list_heartbeats(
    request: HttpRequest, state: Literal["", "new", "up", "down", "paused"] = "", before: Cursor = 0, limit: Limit = 100
) -> list[HeartbeatOut]:
    """Return heartbeats, newest first; `before` is the id to go on from."""
    found = Heartbeat.objects.select_related("source").order_by("-pk")
    if state:
        found = found.filter(state=state)
    return [_out(item) for item in (found.filter(pk__lt=before) if before else found)[:limit]]


@router.post("/heartbeats", response={201: HeartbeatOut}, operation_id="make_heartbeat", summary="Make a heartbeat")
def make_heartbeat(request: HttpRequest, data: HeartbeatIn) -> Status[HeartbeatOut]:
    """Make a heartbeat; it waits for its first beat."""
    require_scope(request, Scope.CONFIGURE)
    source = Source.objects.filter(slug=data.source).first()
    if source is None:
        raise BadInput("source", "there is no such source", status=422)
    draft = heartbeats.Draft(data.name, data.slug, data.period_s, data.grace_s)
    return Status(201, _out(heartbeats.create(source, draft, actor=principal(request).actor)))


@router.get("/heartbeats/{heartbeat_id}", response=HeartbeatOut, operation_id="get_heartbeat", summary="One heartbeat")
def get_heartbeat(request: HttpRequest, heartbeat_id: Cursor) -> HeartbeatOut:
    """Return one heartbeat."""
    return _out(_found(heartbeat_id))


@router.put(
    "/heartbeats/{heartbeat_id}", response=HeartbeatOut, operation_id="change_heartbeat", summary="Change a heartbeat"
)
def change_heartbeat(request: HttpRequest, heartbeat_id: Cursor, data: HeartbeatChange) -> HeartbeatOut:
    """Change name, period and grace."""
    require_scope(request, Scope.CONFIGURE)
    found = _found(heartbeat_id)
    draft = heartbeats.Draft(data.name, found.slug, data.period_s, data.grace_s)
    return _out(heartbeats.change(found, draft, actor=principal(request).actor))


@router.post(
    "/heartbeats/{heartbeat_id}/{what}",
    response=HeartbeatOut,
    operation_id="pause_heartbeat",
    summary="Pause or resume",
)
def pause_heartbeat(request: HttpRequest, heartbeat_id: Cursor, what: Literal["pause", "resume"]) -> HeartbeatOut:
    """Expect nothing of a heartbeat until it beats again, or expect its next beat."""
    require_scope(request, Scope.CONFIGURE)
    act = heartbeats.pause if what == "pause" else heartbeats.resume
    act(_found(heartbeat_id), actor=principal(request).actor)
    return _out(_found(heartbeat_id))


@router.delete(
    "/heartbeats/{heartbeat_id}", response={204: None}, operation_id="remove_heartbeat", summary="Remove a heartbeat"
)
def remove_heartbeat(request: HttpRequest, heartbeat_id: Cursor) -> Status[None]:
    """End a heartbeat and its alert."""
    require_scope(request, Scope.CONFIGURE)
    heartbeats.remove(_found(heartbeat_id), actor=principal(request).actor)
    return Status(204, None)


def _found(pk: int) -> Heartbeat:
    found = Heartbeat.objects.select_related("source").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such heartbeat.")
    return found


def _out(item: Heartbeat) -> HeartbeatOut:
    return HeartbeatOut(
        id=item.pk,
        source=item.source.slug,
        slug=item.slug,
        name=item.name,
        period_s=item.period_s,
        grace_s=item.grace_s,
        state=item.state,
        why=item.why,
        last_beat_at=item.last_beat_at,
        last_took_s=item.last_took_s,
        missing_at=heartbeats.deadline(item),
    )
