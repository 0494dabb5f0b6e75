"""Verbs of routes: save, move, remove. The fallback is not a route, so that it can not be removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from raglan.alerts import events, route_queries
from raglan.alerts.matchers import MAX_MATCHERS, check, stored
from raglan.alerts.models import Route
from raglan.alerts.pipeline.flap import FlapRule, check_rule, stored_rule
from raglan.alerts.pipeline.hours import parse_span
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.steady import end_flaps
from raglan.core import timeline
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput, Conflict
from raglan.paging.models import Policy
from raglan.paging.plan import Urgency

LONGEST_S = 24 * 3600
DEEPEST = 5
MAX_HOURS = 20


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """What a route may have beside its conditions: a route above it, hours, a wait, and that the search goes on."""

    parent: Route | None = None
    wait_s: int = 0
    interval_s: int = 300
    goes_on: bool = False
    hours: Sequence[str] = ()
    zone: str = "UTC"
    flapping: FlapRule | None = None
    urgency: str = ""


PLAIN = RouteOptions()
KEPT = ("position", "matchers", "group_by", "wait_s", "interval_s", "goes_on", "hours", "zone", "flapping", "urgency")


@atomic
def save_route(
    *,
    position: int,
    matchers: Sequence[Matcher],
    group_by: Sequence[str],
    policy: Policy,
    actor: timeline.Subject,
    options: RouteOptions = PLAIN,
) -> Route:
    """Make or replace the route at a position. Raises BadInput naming the field."""
    take_turn("alerts")
    if len(matchers) > MAX_MATCHERS:
        raise BadInput("matchers", f"at most {MAX_MATCHERS} matchers", status=422)
    for number, matcher in enumerate(matchers):
        check(matcher, f"matchers[{number}]")
    route = Route.objects.filter(position=position).first()
    check_options(options, route)
    if route is None:
        route = Route(position=position)
    else:
        route.version += 1
    route.matchers, route.group_by, route.policy = stored(matchers), list(group_by), policy
    route.parent, route.goes_on = options.parent, options.goes_on
    route.wait_s, route.interval_s = options.wait_s, options.interval_s
    route.hours, route.zone = [text.strip() for text in options.hours], options.zone
    route.flapping, route.urgency = stored_rule(options.flapping), options.urgency
    route.save()
    timeline.append(_changed(route), actor=actor, about=[route])
    if options.flapping is not None and options.flapping.is_off:
        end_flaps(route_id=route.pk, actor=actor)
    return route


def check_options(options: RouteOptions, route: Route | None) -> None:
    """Raise BadInput when a route can not have these options."""
    for name, seconds in (("wait_s", options.wait_s), ("interval_s", options.interval_s)):
        if not 0 <= seconds <= LONGEST_S:
            raise BadInput(name, f"must be from 0 to {LONGEST_S} seconds", status=422)
    if len(options.hours) > MAX_HOURS:
        raise BadInput("hours", f"at most {MAX_HOURS} lines of hours", status=422)
    for text in options.hours:
        parse_span(text, "hours")
    try:
        ZoneInfo(options.zone)
    except (ValueError, OSError, LookupError):
        raise BadInput("zone", "name a time zone such as Europe/Berlin", status=422) from None
    if options.urgency not in ("", *Urgency):
        raise BadInput("urgency", "is high, low, or empty for what the policy says", status=422)
    check_rule(options.flapping)
    _check_parent(options, route)


def _check_parent(options: RouteOptions, route: Route | None) -> None:
    above, depth = options.parent, 0
    while above is not None:
        depth += 1
        if depth > DEEPEST:
            raise BadInput("parent", f"routes stand at most {DEEPEST} deep", status=422)
        if route is not None and above.pk == route.pk:
            raise BadInput("parent", "a route can not stand below itself", status=422)
        above = above.parent


def _changed(route: Route) -> events.RouteChanged:
    return events.RouteChanged(
        route=route.pk,
        position=route.position,
        version=route.version,
        matchers=route.matchers,
        group_by=route.group_by,
        policy=route.policy_id,
        parent=route.parent_id,
        wait_s=route.wait_s,
        interval_s=route.interval_s,
        goes_on=route.goes_on,
        hours=route.hours,
        zone=route.zone,
        flapping=route.flapping,
        urgency=route.urgency,
    )


@atomic
def move_route(route: Route, *, up: bool, actor: timeline.Subject) -> Route:
    """Let a route change places with its neighbour under the same route; the first and the last stay where they are."""
    take_turn("alerts")
    route.refresh_from_db()
    siblings = Route.objects.filter(parent_id=route.parent_id)
    if up:
        other = siblings.filter(position__lt=route.position).order_by("-position").first()
    else:
        other = siblings.filter(position__gt=route.position).order_by("position").first()
    if other is None:
        return route
    mine, theirs = route.position, other.position
    free = (Route.objects.order_by("-position").values_list("position", flat=True).first() or 0) + 1
    for moved, position in ((route, free), (other, mine), (route, theirs)):
        Route.objects.filter(pk=moved.pk).update(position=position)
    route.refresh_from_db()
    told = events.RoutesMoved(positions={route.pk: theirs, other.pk: mine})
    timeline.append(told, actor=actor, about=[route, other])
    return route


@atomic
def restore_route(route_id: int, *, actor: timeline.Subject) -> Route:
    """Put a removed route back as it was, at its place. Raises NotFound, Conflict. Safe to call twice."""
    take_turn("alerts")
    if found := Route.objects.filter(pk=route_id).first():
        return found
    removed = route_queries.removed_route(route_id)
    was = removed.was
    if Route.objects.filter(position=was["position"]).exists():
        raise Conflict(f"Another route stands at {was['position']} now. Change that one, or make a new route.")
    policy = Policy.objects.filter(pk=was["policy"]).first()
    parent = Route.objects.filter(pk=was["parent"]).first() if was["parent"] else None
    if policy is None or (was["parent"] and parent is None):
        raise Conflict("Its policy, or the route that it stood below, is gone. Make a new route.")
    kept = {name: was[name] for name in KEPT if name in was}
    route = Route.objects.create(pk=route_id, policy=policy, parent=parent, version=removed.version + 1, **kept)
    timeline.append(_changed(route), actor=actor, about=[route])
    return route


@atomic
def remove_route(route: Route, *, version: int, actor: timeline.Subject) -> None:
    """Take a route out of the table. Raises Conflict when routes stand below it, or somebody changed it meanwhile."""
    take_turn("alerts")
    if Route.objects.filter(parent_id=route.pk).exists():
        raise Conflict("Other routes stand below this one. Remove or move them first.")
    told = events.RouteRemoved(route=route.pk, position=route.position, version=version)
    if not Route.objects.filter(pk=route.pk, version=version).delete()[0]:
        raise Conflict("Somebody changed this route meanwhile, or it is gone already.")
    timeline.append(told, actor=actor, about=[f"route:{told.route}"])
