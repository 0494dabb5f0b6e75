"""What fires, as programs of other makers ask for it: alerts of one source with what holds them back, and silences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from raglan.alerts import matchers, noise_queries, queries, route_queries
from raglan.alerts.models import Alert, AlertGroup, Silence
from raglan.alerts.pipeline.inhibit import InhibitionRule
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.core.clock import now
from raglan.core.errors import NotFound
from raglan.paging.models import Policy

MOST = 20_000
KEPT = timedelta(days=5)  # how long a silence that is over is still listed, as Alertmanager does
FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """A firing alert. `silenced_by` are keys of silences, `inhibited_by` the labels of alerts that explain it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    expires_at: datetime | None
    updated_at: datetime
    link: str
    held: str
    silenced_by: list[str]
    inhibited_by: list[dict[str, str]]
    is_waiting: bool
    receiver: str
    group: int
    group_labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class SeenSilence:
    """A silence, with its state at this moment."""

    id: int
    key: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    who: str
    reason: str
    state: str
    version: int
    is_own: bool


def firing(source_id: int) -> list[SeenAlert]:
    """Return what fires of a source, oldest first."""
    related = ("group", "group__policy", "group__page", "group__page__policy")
    alerts = Alert.objects.select_related(*related).filter(source_id=source_id, state=Alert.State.FIRING)
    rows = list(alerts.order_by("pk")[:MOST])
    refs = {ref for alert in rows for ref in alert.held_by}
    keys = _silence_keys(refs)
    sources = _labels_of(refs)
    return [_seen(alert, keys, sources) for alert in rows]


def _seen(alert: Alert, keys: Mapping[str, str], sources: Mapping[str, dict[str, str]]) -> SeenAlert:
    group = alert.group
    return SeenAlert(
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.starts_at,
        expires_at=alert.expires_at,
        updated_at=alert.last_seen_at,
        link=alert.link,
        held=alert.held,
        silenced_by=[keys.get(ref, ref) for ref in alert.held_by if not ref.startswith("alert:")],
        inhibited_by=[sources[ref] for ref in alert.held_by if ref in sources],
        is_waiting=group.page_id is None and group.page_at is not None,
        receiver=_receiver(group),
        group=group.pk,
        group_labels=group.labels,
    )


def _receiver(group: AlertGroup) -> str:
    policy = group.policy or (group.page.policy if group.page else None)
    return policy.slug if policy else FALLBACK


def _silence_keys(refs: set[str]) -> dict[str, str]:
    ids = [int(ref.partition(":")[2]) for ref in refs if ref.startswith("silence:")]
    return {f"silence:{pk}": key for pk, key in Silence.objects.filter(pk__in=ids).values_list("pk", "key")}


def _labels_of(refs: set[str]) -> dict[str, dict[str, str]]:
    prints = [ref.partition(":")[2] for ref in refs if ref.startswith("alert:")]
    found = Alert.objects.filter(pk__in=queries.newest_of(prints))
    return {f"alert:{print_}": labels for print_, labels in found.values_list("fingerprint", "labels")}


def silences(source_id: int) -> list[SeenSilence]:
    """Return silences that hit a source: active ones by their end, then those to come, then those just over."""
    at = now()
    found = Silence.objects.filter(Q(source_id=source_id) | Q(source_id__isnull=True), ends_at__gt=at - KEPT)
    order = {"active": 0, "pending": 1, "expired": 2}
    seen = [_silence(silence, source_id, at) for silence in found.order_by("ends_at", "pk")[:MOST]]
    return sorted(seen, key=lambda silence: order[silence.state])


def silence(key: str, source_id: int) -> SeenSilence:
    """Return a silence by its key. Raises NotFound; one of another source is not found either."""
    found = Silence.objects.filter(Q(source_id=source_id) | Q(source_id__isnull=True), key=key).first()
    if found is None:
        raise NotFound("There is no such silence.")
    return _silence(found, source_id, now())


def _silence(silence: Silence, source_id: int, at: datetime) -> SeenSilence:
    return SeenSilence(
        id=silence.pk,
        key=silence.key,
        matchers=matchers.read(silence.matchers),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        updated_at=silence.updated_at,
        who=silence.who,
        reason=silence.reason,
        state=noise_queries.silence_state(silence, at),
        version=silence.version,
        is_own=silence.source_id == source_id,
    )


def receivers() -> list[str]:
    """Return the names of all policies; there is always the fallback."""
    return sorted({FALLBACK, *Policy.objects.values_list("slug", flat=True)})


def table() -> Sequence[tuple[RouteRule, str]]:
    """Return the routes in order, each with the name of its policy."""
    slugs = dict(Policy.objects.values_list("pk", "slug"))
    return [(rule, slugs[rule.policy_id]) for rule in route_queries.routes()]


def inhibitions() -> Sequence[InhibitionRule]:
    """Return the inhibitions that hold."""
    return noise_queries.noise(now()).inhibitions
