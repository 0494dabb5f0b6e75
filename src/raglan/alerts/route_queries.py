"""Reads of routes, as rows and as the pipeline sees them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from raglan.alerts import matchers
from raglan.alerts.events import RouteChanged, RouteRemoved
from raglan.alerts.models import (
    Route,
)
from raglan.alerts.pipeline.flap import FlapRule
from raglan.alerts.pipeline.hours import parse_span
from raglan.alerts.pipeline.route import RouteRule
from raglan.core.clock import now
from raglan.core.errors import NotFound
from raglan.core.models import Event


def routes() -> list[RouteRule]:
    """Return the route table as the pipeline reads it."""
    return [rule_of(route) for route in Route.objects.select_related("policy").order_by("position")]


def rule_of(route: Route) -> RouteRule:
    """Return one route as the pipeline reads it."""
    return RouteRule(
        id=route.pk,
        position=route.position,
        version=route.version,
        policy_id=route.policy_id,
        policy_name=route.policy.name,
        matchers=matchers.read(route.matchers),
        group_by=tuple(route.group_by),
        parent_id=route.parent_id,
        wait_s=route.wait_s,
        interval_s=route.interval_s,
        goes_on=route.goes_on,
        hours=tuple(parse_span(text, "hours") for text in route.hours),
        zone=route.zone,
        flapping=FlapRule(**route.flapping, name=f"route {route.position}, version {route.version}")
        if route.flapping
        else None,
        urgency=route.urgency,
    )


@dataclass(frozen=True, slots=True)
class RemovedRoute:
    """A route that was taken out of the table, as it was, and when."""

    id: int
    at: datetime
    version: int
    was: dict[str, Any]

    @property
    def words(self) -> str:
        """Its place and its conditions."""
        conditions = " and ".join(str(matcher) for matcher in matchers.read(self.was["matchers"]))
        return f"route {self.was['position']}: {conditions or 'every alert'}"


REMOVED_SHOWN = 5
REMOVED_FOR = timedelta(days=30)


def removed_routes() -> list[RemovedRoute]:
    """Return routes that were removed lately and not put back, the last one first."""
    gone = Event.objects.filter(kind=RouteRemoved.kind, at__gt=now() - REMOVED_FOR).order_by("-pk")[:50]
    ids = list(dict.fromkeys(int(event.data["route"]) for event in gone))
    known = set(Route.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return [removed_route(pk) for pk in ids if pk not in known][:REMOVED_SHOWN]


def removed_route(pk: int) -> RemovedRoute:
    """Return a route as it was when it was removed. Raises NotFound."""
    about = Event.objects.filter(subjects__subject=f"route:{pk}").order_by("-pk")
    gone, made = about.filter(kind=RouteRemoved.kind).first(), about.filter(kind=RouteChanged.kind).first()
    if gone is None or made is None:
        raise NotFound("There was no such route.")
    return RemovedRoute(pk, gone.at, int(gone.data["version"]), {**made.data, "position": gone.data["position"]})
