"""REST of the rules between alerts and pages: routes and inhibitions."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.alerts import actions, noise_queries, route_queries
from raglan.alerts.dry_run import DryRun, dry_run, with_route
from raglan.alerts.models import Inhibition, Route
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.rest import FlappingIn, MatcherIn
from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Line, ShortText, Slug
from raglan.paging.models import Policy
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["routes"])
Position = Annotated[int, Field(ge=0, le=100_000)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RouteIn(Body):
    """A route; the same position again replaces it.

    `parent` is the position of the route above it. `hours` are lines such as `mon-fri 09:00-17:00`, on the wall clock
    of `zone`; without any it holds always. `goes_on` lets the search go on behind it. Without `flapping` its alerts
    go by what their source says, or else by the default; without `urgency` its pages go by the policy.
    """

    position: Position
    matchers: Annotated[list[MatcherIn], Field(max_length=20)] = []
    policy: Slug
    group_by: Annotated[list[ShortText], Field(max_length=20)] = []
    parent: Position | None = None
    wait_s: Seconds = 0
    interval_s: Seconds = 300
    goes_on: bool = False
    hours: Annotated[list[ShortText], Field(max_length=20)] = []
    zone: Annotated[str, Field(max_length=64)] = "UTC"
    flapping: FlappingIn | None = None
    urgency: Literal["", "high", "low"] = ""


class RouteOut(Schema):
    """A route as it is now."""

    id: int
    position: int
    version: int
    matchers: list[dict[str, str]]
    group_by: list[str]
    policy: str
    parent: int | None
    wait_s: int
    interval_s: int
    goes_on: bool
    hours: list[str]
    zone: str
    flapping: dict[str, int] | None
    urgency: str


class RemovedOut(Schema):
    """A route that was removed; its id puts it back."""

    id: int
    removed_at: datetime
    words: str


class Move(Body):
    """Which way a route moves among those under the same route."""

    up: bool


class PagesOut(Schema):
    """How many pages one policy had and would have."""

    policy: str
    before: int
    after: int


class ChangedOut(Schema):
    """One alert that would have fared otherwise: the policies that it goes to, or what holds it back."""

    alert: int
    title: str
    at: datetime
    before: str
    after: str


class DryRunOut(Schema):
    """What a change would have made of the last 30 days.

    `held` alerts are left out: a person had silenced them, or their source was noisy. `held_before` and `held_after`
    count those that rules hold back until they are over.
    """

    since: datetime
    looked: int
    held: int
    held_before: int
    held_after: int
    is_all: bool
    pages: list[PagesOut]
    changed: int
    examples: list[ChangedOut]


class InhibitionIn(Body):
    """An inhibition: while an alert of the source side fires, alerts of the target side with equal labels are held.

    `same_source`: both sides come from one source. A new one has it unless false is said; left out, others keep theirs.
    """

    name: Line
    source_matchers: Annotated[list[MatcherIn], Field(min_length=1, max_length=20)]
    target_matchers: Annotated[list[MatcherIn], Field(min_length=1, max_length=20)]
    equal: Annotated[list[ShortText], Field(max_length=20)] = []
    same_source: bool | None = None


class InhibitionOut(Schema):
    """An inhibition as it is now; `holding` counts the firing alerts on its source side."""

    id: int
    name: str
    version: int
    source_matchers: list[dict[str, str]]
    target_matchers: list[dict[str, str]]
    equal: list[str]
    same_source: bool
    holding: int


@router.get("/routes", response=list[RouteOut], operation_id="list_routes", summary="The route table")
def list_routes(request: HttpRequest) -> list[RouteOut]:
    """Return routes in the order in which they are read."""
    return [_route_out(route) for route in Route.objects.select_related("policy", "parent").order_by("position")]


@router.post("/routes", response={201: RouteOut}, operation_id="save_route", summary="Make or replace a route")
def save_route(request: HttpRequest, data: RouteIn) -> Status[RouteOut]:
    """Save the route at a position."""
    require_scope(request, Scope.CONFIGURE)
    route = actions.save_route(
        position=data.position,
        matchers=matchers_of(data.matchers),
        group_by=data.group_by,
        policy=_policy(data),
        actor=principal(request).actor,
        options=_options(data),
    )
    return Status(201, _route_out(route))


@router.post("/routes/try", response=DryRunOut, operation_id="try_route", summary="Try a route on the last 30 days")
def try_route(request: HttpRequest, data: RouteIn) -> DryRun:
    """Say who would have been paged otherwise, with this route in the table; nothing is saved."""
    require_scope(request, Scope.CONFIGURE)
    change = with_route(
        data.position,
        matchers=matchers_of(data.matchers),
        group_by=data.group_by,
        policy=_policy(data),
        options=_options(data),
    )
    return dry_run(change)


def _policy(data: RouteIn) -> Policy:
    policy = Policy.objects.filter(slug=data.policy).first()
    if policy is None:
        raise BadInput("policy", "there is no such policy", status=422)
    return policy


def _options(data: RouteIn) -> actions.RouteOptions:
    parent = Route.objects.filter(position=data.parent).first() if data.parent is not None else None
    if data.parent is not None and parent is None:
        raise BadInput("parent", "there is no route at this position", status=422)
    flapping = data.flapping.rule() if data.flapping else None
    return actions.RouteOptions(
        parent,
        data.wait_s,
        data.interval_s,
        data.goes_on,
        data.hours,
        data.zone,
        flapping=flapping,
        urgency=data.urgency,
    )


@router.post("/routes/{position}/move", response=RouteOut, operation_id="move_route", summary="Move a route")
def move_route(request: HttpRequest, position: Cursor, data: Move) -> RouteOut:
    """Let a route change places with its neighbour."""
    require_scope(request, Scope.CONFIGURE)
    return _route_out(actions.move_route(_route(position), up=data.up, actor=principal(request).actor))


@router.delete("/routes/{position}", response={204: None}, operation_id="remove_route", summary="Remove a route")
def remove_route(request: HttpRequest, position: Cursor, version: Version) -> Status[None]:
    """Take a route out of the table; what it took goes to the routes behind it, at last to the fallback."""
    require_scope(request, Scope.CONFIGURE)
    actions.remove_route(_route(position), version=version, actor=principal(request).actor)
    return Status(204, None)


@router.get(
    "/removed-routes", response=list[RemovedOut], operation_id="list_removed_routes", summary="Routes removed lately"
)
def list_removed_routes(request: HttpRequest) -> list[RemovedOut]:
    """Return routes that were removed in the last 30 days and not put back, the last one first."""
    return [RemovedOut(id=one.id, removed_at=one.at, words=one.words) for one in route_queries.removed_routes()]


@router.post(
    "/removed-routes/{route_id}", response=RouteOut, operation_id="restore_route", summary="Put a removed route back"
)
def restore_route(request: HttpRequest, route_id: Cursor) -> RouteOut:
    """Put a route back as it was, at its place; 409 when another stands there now. Again is harmless."""
    require_scope(request, Scope.CONFIGURE)
    return _route_out(actions.restore_route(route_id, actor=principal(request).actor))


@router.get("/inhibitions", response=list[InhibitionOut], operation_id="list_inhibitions", summary="Inhibitions")
def list_inhibitions(request: HttpRequest) -> list[InhibitionOut]:
    """Return inhibitions, oldest first."""
    return [_inhibition_out(inhibition) for inhibition in noise_queries.inhibitions()]


@router.post(
    "/inhibitions", response={201: InhibitionOut}, operation_id="make_inhibition", summary="Make an inhibition"
)
def make_inhibition(request: HttpRequest, data: InhibitionIn) -> Status[InhibitionOut]:
    """Let an alert hold back what it explains. What pages already goes on."""
    return Status(201, _save(request, data, None))


@router.put(
    "/inhibitions/{inhibition_id}", response=InhibitionOut, operation_id="change_inhibition", summary="Change one"
)
def change_inhibition(request: HttpRequest, inhibition_id: Cursor, data: InhibitionIn) -> InhibitionOut:
    """Put a new version in the place of an inhibition."""
    return _save(request, data, noise_queries.inhibition(inhibition_id))


@router.delete(
    "/inhibitions/{inhibition_id}", response={204: None}, operation_id="remove_inhibition", summary="Remove one"
)
def remove_inhibition(request: HttpRequest, inhibition_id: Cursor) -> Status[None]:
    """Let it hold nothing back any more; what it held and still fires pages now."""
    require_scope(request, Scope.CONFIGURE)
    actions.remove_inhibition(noise_queries.inhibition(inhibition_id), actor=principal(request).actor)
    return Status(204, None)


def _save(request: HttpRequest, data: InhibitionIn, found: Inhibition | None) -> InhibitionOut:
    require_scope(request, Scope.CONFIGURE)
    saved = actions.save_inhibition(
        found,
        name=data.name,
        source=matchers_of(data.source_matchers),
        target=matchers_of(data.target_matchers),
        equal=data.equal,
        same_source=data.same_source,
        actor=principal(request).actor,
    )
    return _inhibition_out(noise_queries.inhibition(saved.pk))


def matchers_of(items: list[MatcherIn]) -> list[Matcher]:
    """Return conditions as actions take them."""
    return [Matcher(item.name, item.op, item.value) for item in items]


def _route(position: int) -> Route:
    route = Route.objects.select_related("policy", "parent").filter(position=position).first()
    if route is None:
        raise NotFound("There is no such route.")
    return route


def _route_out(route: Route) -> RouteOut:
    return RouteOut(
        id=route.pk,
        position=route.position,
        version=route.version,
        matchers=route.matchers,
        group_by=route.group_by,
        policy=route.policy.slug,
        parent=route.parent.position if route.parent else None,
        wait_s=route.wait_s,
        interval_s=route.interval_s,
        goes_on=route.goes_on,
        hours=route.hours,
        zone=route.zone,
        flapping=route.flapping,
        urgency=route.urgency,
    )


def _inhibition_out(inhibition: Inhibition) -> InhibitionOut:
    return InhibitionOut(
        id=inhibition.pk,
        name=inhibition.name,
        version=inhibition.version,
        source_matchers=inhibition.source_matchers,
        target_matchers=inhibition.target_matchers,
        equal=inhibition.equal,
        same_source=inhibition.same_source,
        holding=getattr(inhibition, "holding", 0),
    )
