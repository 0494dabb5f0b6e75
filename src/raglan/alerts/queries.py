"""Reads of alerts."""

from datetime import timedelta

from django.db.models import Count, Prefetch, Q, QuerySet

from raglan.alerts.models import Alert, AlertGroup, Route, Source, StageDecision
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.ports import SourceKey
from raglan.core.clock import now
from raglan.core.errors import NotSignedIn
from raglan.core.secrets import digest


def source_by_token(token: str) -> SourceKey:
    """Return the source of a token. Raises NotSignedIn: unknown and switched-off tokens are answered alike."""
    source = Source.objects.filter(token_digest=digest(token), disabled_at__isnull=True).first() if token else None
    if source is None:
        raise NotSignedIn("This token is not known here. Copy the line from Setup, Sources.")
    return SourceKey(source.pk, source.slug, source.kind, source.mapping)


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
        matchers=tuple(Matcher(item["name"], item["op"], item["value"]) for item in route.matchers),
        group_by=tuple(route.group_by),
    )


def groups(*, state: str = "", search: str = "") -> QuerySet[AlertGroup]:
    """Groups, open ones first, then the newest."""
    related = ("source", "page", "page__acknowledged_by", "joined_incident")
    found = AlertGroup.objects.select_related(*related).order_by("-state", "-pk")
    if state:
        found = found.filter(state=state)
    if search:
        found = found.filter(Q(title__icontains=search) | Q(source__name__icontains=search))
    return found


def open_groups() -> QuerySet[AlertGroup]:
    """Groups with something firing, newest first."""
    return groups(state=AlertGroup.State.OPEN)


def alert_with_decisions(pk: int) -> Alert | None:
    """Return an alert with all that was decided on it, in order."""
    decisions = Prefetch("decisions", StageDecision.objects.order_by("pk"))
    found = Alert.objects.select_related("group", "source", "group__page").prefetch_related(decisions)
    return found.filter(pk=pk).first()


def alerts_of(group: AlertGroup) -> QuerySet[Alert]:
    """The alerts of a group, firing ones first."""
    return group.alerts.select_related("source").order_by("state", "-pk")


def sources() -> QuerySet[Source]:
    """All sources with counts of what they sent in the last day."""
    day = now() - timedelta(days=1)
    return Source.objects.annotate(
        lately=Count("signals", filter=Q(signals__received_at__gte=day)),
        parked=Count("signals", filter=Q(signals__received_at__gte=day, signals__status="parked")),
    ).order_by("name")
