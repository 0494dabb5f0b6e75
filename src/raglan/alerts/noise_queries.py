"""Reads of what may hold alerts back: silences, inhibitions, maintenance windows, flapping."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from raglan.alerts import matchers
from raglan.alerts.models import (
    Alert,
    Flap,
    Inhibition,
    Maintenance,
    Silence,
    Source,
)
from raglan.alerts.pipeline.flap import HELD, Flapping, FlapRule
from raglan.alerts.pipeline.hold import Noise
from raglan.alerts.pipeline.inhibit import InhibitionRule
from raglan.alerts.pipeline.maintain import MaintenanceRule, open_at
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.pipeline.silence import SilenceRule
from raglan.core.clock import now
from raglan.core.errors import NotFound


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
