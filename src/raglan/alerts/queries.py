"""Reads of alerts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from raglan.alerts import matchers
from raglan.alerts.events import AlertNoted, RouteChanged, RouteRemoved
from raglan.alerts.models import (
    Alert,
    AlertGroup,
    Bundle,
    Flap,
    Inhibition,
    Maintenance,
    Route,
    Silence,
    Source,
    StageDecision,
    Storm,
)
from raglan.alerts.open_prints import open_prints
from raglan.alerts.pipeline.flap import HELD, Flapping, FlapRule
from raglan.alerts.pipeline.hold import Noise
from raglan.alerts.pipeline.hours import parse_span
from raglan.alerts.pipeline.inhibit import InhibitionRule
from raglan.alerts.pipeline.maintain import MaintenanceRule, open_at
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.pipeline.silence import SilenceRule
from raglan.alerts.ports import SourceKey
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import Prepared, bulk
from raglan.core.errors import NotFound, NotSignedIn
from raglan.core.models import Event
from raglan.core.secrets import digest
from raglan.paging.models import Page
from raglan.people.sealing import unseal

NOTES = 100
FEW = 8  # rows that SQLite reads sooner one by one, with a statement that is kept, than together with one made for them


def source_by_token(token: str) -> SourceKey:
    """Return the source of a token. Raises NotSignedIn: unknown and switched-off tokens are answered alike."""
    source = _source_of(digest(token)) if token else None
    if source is None or source.disabled_at is not None:
        raise NotSignedIn("This token is not known here. Copy the line from Setup, Sources.")
    return source_key(source)


def source_by_id(source_id: int) -> SourceKey:
    """Return a source, switched off or not. Raises NotFound."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound("There is no such source any more.")
    return source_key(source)


def _source_of(hashed: str) -> Source | None:
    """Return the source of a token, or of the one before it while that is still good."""
    found = Source.objects.filter(token_digest=hashed).first()
    return found or Source.objects.filter(previous_digest=hashed, previous_ends_at__gt=now()).first()


def source_key(source: Source) -> SourceKey:
    """Return a source as doors and the journal see it."""
    secret = unseal(source.secret_sealed) if source.secret_sealed else ""
    return SourceKey(source.pk, source.slug, source.kind, source.mapping, secret)


def firing_ids(fingerprints: Collection[str], last: int | None = None) -> list[int]:
    """Return the ids of the alerts that fire and have one of these fingerprints.

    `last` is the last id that was given to an alert, where that is known on SQLite.
    """
    if bulk.is_postgresql():
        index = "one_open_alert_a_fingerprint"
        return bulk.find_keys(Alert, "fingerprint", fingerprints, index=index, where="state = 'firing'")
    maybe = open_prints.find(fingerprints, last)
    return bulk.keys_where(Alert, maybe, "state = 'firing'") if maybe else []


def opened_since(fingerprints: Collection[str], since: datetime) -> list[int]:
    """Return the ids of the alerts with one of these fingerprints that opened after a time and are over."""
    where, given = '"state" = \'resolved\' AND "received_at" > %s', [bulk.stamp(since)]
    return bulk.find_keys(Alert, "fingerprint", fingerprints, index="alert_episodes", where=where, given=given)


def open_group_ids(keys: Collection[str]) -> list[int]:
    """Return the ids of the open groups with one of these keys."""
    return bulk.find_keys(AlertGroup, "key", keys, index="one_open_group_a_key", where="state = 'open'")


_WITH_GROUP = ("group", "group__policy", "group__page__acknowledged_by")
_alert_by_id = Prepared(lambda pk: Alert.objects.select_related(*_WITH_GROUP).filter(pk=pk))
_group_by_id = Prepared(lambda pk: AlertGroup.objects.select_related("page__acknowledged_by").filter(pk=pk))


def _one_by_one(ids: Sequence[int]) -> bool:
    """Say whether rows are read sooner each by itself: to PostgreSQL each question is a way of its own."""
    return len(ids) <= (1 if bulk.is_postgresql() else FEW)


def alerts_by_id(ids: Sequence[int]) -> list[Alert]:
    """Return some alerts with all that the pipeline looks at."""
    if _one_by_one(ids):
        return [alert for pk in ids for alert in _alert_by_id(pk)]
    return list(Alert.objects.select_related(*_WITH_GROUP).filter(pk__in=ids))


def groups_by_id(ids: Sequence[int]) -> list[AlertGroup]:
    """Return some groups with their pages, and who has those."""
    if _one_by_one(ids):
        return [group for pk in ids for group in _group_by_id(pk)]
    return list(AlertGroup.objects.select_related("page__acknowledged_by").filter(pk__in=ids))


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


def groups(*, state: str = "", search: str = "") -> QuerySet[AlertGroup]:
    """Groups, open ones first, then the newest."""
    related = ("source", "page", "page__acknowledged_by", "joined_incident__incident")
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


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody, or its source, said about an alert."""

    at: datetime
    by: str
    text: str


def notes(alert: Alert) -> list[Note]:
    """Return what was said about an alert, oldest first."""
    said = Event.objects.filter(subjects__subject=timeline.ref(alert), kind=AlertNoted.kind).order_by("-pk")[:NOTES]
    return [Note(event.at, str(event.data["by"]), str(event.data["text"])) for event in reversed(said)]


def earlier_episodes(alert: Alert) -> QuerySet[Alert]:
    """The last times that the same condition fired before, newest first."""
    known = last_episodes(alert.fingerprint, before=alert.pk, most=5)
    return Alert.objects.filter(pk__in=known).order_by("-received_at", "-pk")


def newest_of(fingerprints: Collection[str]) -> list[int]:
    """Return the ids of the newest alerts of some conditions, whether they fire or are over."""
    firing = firing_ids(fingerprints)
    known = set(Alert.objects.filter(pk__in=firing).values_list("fingerprint", flat=True))
    return [*firing, *(pk for name in fingerprints if name not in known for pk in last_episodes(name))]


def last_episodes(fingerprint: str, *, before: int = bulk.NO_KEY, most: int = 1) -> list[int]:
    """Return the ids of the last alerts of a condition that are over, of those before an id."""
    where = "fingerprint = %s AND state = 'resolved' AND id < %s ORDER BY received_at DESC"
    return bulk.first_keys(Alert, index="alert_episodes", where=where, given=[fingerprint, before], most=most)


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


def noise(at: datetime) -> Noise:
    """Return all that may hold an alert back at a time."""
    silences = list(Silence.objects.filter(ends_at__gt=at).order_by("pk"))
    windows = [maintenance_rule(window) for window in maintenances()]
    marked = Source.objects.filter(Q(noisy_since__isnull=False) | Q(flapping__isnull=False))
    sources = list(marked.values_list("pk", "slug", "noisy_since", "flapping"))
    rules = Inhibition.objects.filter(removed_at__isnull=True).order_by("pk")
    return Noise(
        silences=tuple(silence_rule(silence) for silence in silences if silence.starts_at <= at),
        inhibitions=tuple(inhibition_rule(inhibition) for inhibition in rules),
        windows=open_at(windows, at),
        noisy_sources=frozenset(pk for pk, _, noisy_since, _ in sources if noisy_since),
        flaps={row.fingerprint: flapping(row) for row in Flap.objects.filter(ended_at__isnull=True)},
        flap_rules={pk: FlapRule(**rule, name=f"source {slug}"[:60]) for pk, slug, _, rule in sources if rule},
        is_timed=bool(silences or windows),
    )


def flapping(row: Flap) -> Flapping:
    """Return an alert that flaps as the pipeline sees it."""
    return Flapping(
        id=row.pk,
        fingerprint=row.fingerprint,
        rule=row.rule,
        changes=row.changes,
        first_at=row.first_at,
        began_at=row.began_at,
        last_at=row.last_at,
        quiet_s=row.quiet_s,
        open_s=row.open_s,
        route_id=row.route,
        page_id=row.page_id,
        paged_at=row.paged_at,
    )


def flaps() -> QuerySet[Flap]:
    """Alerts that flap, newest first."""
    return Flap.objects.select_related("source", "page").filter(ended_at__isnull=True).order_by("-pk")


def flap_of(alert: Alert) -> Flap | None:
    """Return how an alert flapped while it was open, if it did."""
    found = Flap.objects.select_related("page", "source").filter(
        fingerprint=alert.fingerprint, began_at__lte=alert.last_seen_at
    )
    return found.exclude(ended_at__lt=alert.received_at).order_by("-pk").first()


def flapping_in(group_ids: Sequence[int]) -> dict[int, str]:
    """Return how alerts of groups flap that fire and are held back for it, by group; the newest of each speaks."""
    firing = Alert.objects.filter(state=Alert.State.FIRING, held=HELD, group_id__in=group_ids).order_by("pk")
    groups_of = {fingerprint: group for group, fingerprint in firing.values_list("group_id", "fingerprint")}
    rows = Flap.objects.filter(ended_at__isnull=True, fingerprint__in=list(groups_of)) if groups_of else ()
    return {groups_of[row.fingerprint]: flapping(row).full_words for row in rows}


def flapping_alerts(alerts: Iterable[Alert]) -> dict[int, str]:
    """Return how alerts flap that fire, by alert."""
    firing = {alert.fingerprint: alert.pk for alert in alerts if alert.state == Alert.State.FIRING}
    rows = Flap.objects.filter(ended_at__isnull=True, fingerprint__in=list(firing)) if firing else ()
    return {firing[row.fingerprint]: flapping(row).full_words for row in rows}


def maintenances() -> QuerySet[Maintenance]:
    """Maintenance windows that were not ended, newest first."""
    return Maintenance.objects.filter(ended_at__isnull=True).order_by("-pk")


def maintenance(pk: int) -> Maintenance:
    """Return one maintenance window. Raises NotFound."""
    found = Maintenance.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such maintenance.")
    return found


def maintenance_rule(window: Maintenance) -> MaintenanceRule:
    """Return one window as the pipeline reads it."""
    return MaintenanceRule(
        id=window.pk or 0,
        version=window.version,
        name=window.name,
        matchers=matchers.read(window.matchers),
        zone=window.zone,
        first=window.first,
        start=window.start,
        length=timedelta(minutes=window.minutes),
        days=frozenset(window.days),
        last=window.last,
        who=window.who,
    )


def inhibition_rule(inhibition: Inhibition) -> InhibitionRule:
    """Return one inhibition as the pipeline reads it."""
    return InhibitionRule(
        id=inhibition.pk,
        version=inhibition.version,
        name=inhibition.name,
        source=matchers.read(inhibition.source_matchers),
        target=matchers.read(inhibition.target_matchers),
        equal=tuple(inhibition.equal),
        same_source=inhibition.same_source,
    )


def inhibitions() -> QuerySet[Inhibition]:
    """Inhibitions that hold, oldest first, each with how many alerts hold others back under it now."""
    found = Inhibition.objects.filter(removed_at__isnull=True).order_by("pk")
    return found.annotate(holding=Count("inhibitors"))


def inhibition(pk: int) -> Inhibition:
    """Return one inhibition. Raises NotFound."""
    found = inhibitions().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such inhibition.")
    return found


def silence_rule(silence: Silence) -> SilenceRule:
    """Return one silence as the pipeline reads it."""
    return SilenceRule(
        id=silence.pk,
        version=silence.version,
        matchers=matchers.read(silence.matchers),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        who=silence.who,
        reason=silence.reason,
        source_id=silence.source_id,
    )


def silences(*, state: str = "", at: datetime | None = None) -> QuerySet[Silence]:
    """Silences, the one that ends last first; `state` is active, pending or expired."""
    at = at or now()
    found = Silence.objects.select_related("person", "source").order_by("-ends_at", "-pk")
    match state:
        case "active":
            return found.filter(starts_at__lte=at, ends_at__gt=at)
        case "pending":
            return found.filter(starts_at__gt=at)
        case "expired":
            return found.filter(ends_at__lte=at)
        case _:
            return found


def silence(pk: int) -> Silence:
    """Return one silence. Raises NotFound."""
    found = Silence.objects.select_related("person", "source").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such silence.")
    return found


def silence_state(silence: Silence, at: datetime) -> str:
    """Return pending, active or expired, as Alertmanager calls it."""
    if silence.ends_at <= at:
        return "expired"
    return "pending" if silence.starts_at > at else "active"


@dataclass(frozen=True, slots=True)
class Hits:
    """What matchers hit: how many firing alerts and which, how many of the last day; whether all were looked at."""

    firing: int
    examples: list[Alert]
    lately: int
    looked: int
    is_all: bool


LOOK_AT = 20_000
EXAMPLES = 20


def hits(conditions: Sequence[Matcher], *, source_id: int | None = None) -> Hits:
    """Say what a silence with these matchers would hit now, and would have hit in the last day."""
    alerts = Alert.objects.order_by("-pk")
    if source_id is not None:
        alerts = alerts.filter(source_id=source_id)
    rows = list(alerts.filter(state=Alert.State.FIRING).values_list("pk", "labels")[: LOOK_AT + 1])
    found = [pk for pk, labels in rows if all(matcher.matches(labels) for matcher in conditions)]
    day = alerts.filter(received_at__gte=now() - timedelta(days=1)).values_list("labels", flat=True)[: LOOK_AT + 1]
    recent = list(day)
    lately = sum(all(matcher.matches(labels) for matcher in conditions) for labels in recent)
    examples = list(Alert.objects.select_related("source", "group").filter(pk__in=found[:EXAMPLES]).order_by("-pk"))
    is_all = max(len(rows), len(recent)) <= LOOK_AT
    return Hits(len(found), examples, lately, len(rows), is_all)


def held_by(ref: str, *, limit: int = 100) -> list[Alert]:
    """Return firing alerts that something holds back, newest first."""
    held = Alert.objects.filter(state=Alert.State.FIRING).exclude(held="").order_by("-pk")
    pks = [pk for pk, refs in held.values_list("pk", "held_by")[:LOOK_AT] if ref in refs][:limit]
    return list(Alert.objects.select_related("source", "group").filter(pk__in=pks).order_by("-pk"))


def storm(pk: int) -> tuple[Storm, QuerySet[AlertGroup]]:
    """Return a policy's storm with the groups that its latest page took. Raises NotFound."""
    found = Storm.objects.select_related("policy", "page").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such storm.")
    latest = Page.objects.filter(reason_type="storm", reason_id=pk).order_by("-pk").values_list("pk", flat=True)[:1]
    pages = list(latest)
    bundled = Bundle.objects.filter(page_id__in=pages).values("group_id")
    return found, groups().filter(Q(page_id__in=pages) | Q(pk__in=bundled))
