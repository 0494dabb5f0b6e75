"""REST of maintenance windows."""

from datetime import date, datetime, time
from itertools import islice
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import Field, StringConstraints

from raglan.alerts import actions, noise_queries
from raglan.alerts.models import Maintenance
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.rest import MatcherIn
from raglan.core.clock import now
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Line, WallTime
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["maintenance"])
SHOWN = 5
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class MaintenanceIn(Body):
    """A maintenance window: wall time in a zone, once, or on days of each week (0 is Monday) until the last day."""

    name: Line
    matchers: Annotated[list[MatcherIn], Field(min_length=1, max_length=20)]
    zone: Annotated[str, Field(max_length=64)]
    first: date
    start: WallTime
    minutes: Annotated[int, Field(ge=1, le=20_160)]
    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(max_length=7)] = []
    last: date | None = None
    reason: Reason = ""


class MaintenanceChange(MaintenanceIn):
    """A window as it is to be, and the version that it was changed from."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class Window(Schema):
    """One occurrence, as instants."""

    starts_at: datetime
    ends_at: datetime


class MaintenanceOut(Schema):
    """A maintenance window as it is now, with its next occurrences."""

    id: int
    name: str
    version: int
    matchers: list[dict[str, str]]
    zone: str
    first: date
    start: time
    minutes: int
    days: list[int]
    last: date | None
    reason: str
    who: str
    ended_at: datetime | None
    coming: list[Window]


@router.get("/maintenances", response=list[MaintenanceOut], operation_id="list_maintenances", summary="All windows")
def list_maintenances(request: HttpRequest) -> list[MaintenanceOut]:
    """Return maintenance windows that are planned, newest first."""
    return [_out(window) for window in noise_queries.maintenances()]


@router.post(
    "/maintenances", response={201: MaintenanceOut}, operation_id="plan_maintenance", summary="Plan a maintenance"
)
def plan_maintenance(request: HttpRequest, data: MaintenanceIn) -> Status[MaintenanceOut]:
    """Plan a window in which matching alerts are held back; what still fires at its end pages then."""
    require_scope(request, Scope.RESPOND)
    asks = principal(request)
    name = asks.person.name if asks.person else asks.token.name if asks.token else "REST"
    made = actions.plan_maintenance(draft_of(data), by=asks.person, who=name, actor=asks.actor)
    return Status(201, _out(made))


@router.get("/maintenances/{maintenance_id}", response=MaintenanceOut, operation_id="get_maintenance", summary="One")
def get_maintenance(request: HttpRequest, maintenance_id: Cursor) -> MaintenanceOut:
    """Return one maintenance window."""
    return _out(noise_queries.maintenance(maintenance_id))


@router.put(
    "/maintenances/{maintenance_id}", response=MaintenanceOut, operation_id="change_maintenance", summary="Change"
)
def change_maintenance(request: HttpRequest, maintenance_id: Cursor, data: MaintenanceChange) -> MaintenanceOut:
    """Change a window; 409 when somebody else changed it since `version`."""
    require_scope(request, Scope.RESPOND)
    found = noise_queries.maintenance(maintenance_id)
    changed = actions.change_maintenance(found, draft_of(data), version=data.version, actor=principal(request).actor)
    return _out(changed)


@router.delete("/maintenances/{maintenance_id}", response=MaintenanceOut, operation_id="end_maintenance", summary="End")
def end_maintenance(request: HttpRequest, maintenance_id: Cursor) -> MaintenanceOut:
    """End a window now, with all that would follow. Again is harmless."""
    require_scope(request, Scope.RESPOND)
    return _out(actions.end_maintenance(noise_queries.maintenance(maintenance_id), actor=principal(request).actor))


def draft_of(data: MaintenanceIn) -> actions.MaintenanceDraft:
    """Return a window as actions take it."""
    return actions.MaintenanceDraft(
        name=data.name,
        matchers=[Matcher(item.name, item.op, item.value) for item in data.matchers],
        zone=data.zone,
        first=data.first,
        start=data.start.replace(tzinfo=None),
        minutes=data.minutes,
        days=data.days,
        last=data.last,
        reason=data.reason,
    )


def _out(window: Maintenance) -> MaintenanceOut:
    coming = [] if window.ended_at else islice(noise_queries.maintenance_rule(window).windows(now()), SHOWN)
    return MaintenanceOut(
        id=window.pk,
        name=window.name,
        version=window.version,
        matchers=window.matchers,
        zone=window.zone,
        first=window.first,
        start=window.start,
        minutes=window.minutes,
        days=window.days,
        last=window.last,
        reason=window.reason,
        who=window.who,
        ended_at=window.ended_at,
        coming=[Window(starts_at=start, ends_at=end) for start, end in coming],
    )
