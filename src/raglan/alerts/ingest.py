"""From a batch of signals to alerts, groups, pages and timers, in one transaction.

The journal calls `ingest` with all that waits; the commit is what a 2xx stands on. Stages are pure and run over a
snapshot that is read once for the whole batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from raglan.alerts import events, queries
from raglan.alerts.attend import attend, end, plan_for
from raglan.alerts.models import Alert, AlertGroup, Signal, Source, StageDecision
from raglan.alerts.pipeline import Noise, deduplicate, group_key, hold, identify, route
from raglan.alerts.pipeline.route import RouteRule
from raglan.alerts.ports import Batch, Outcome, RawSignal
from raglan.core import metrics, timeline
from raglan.core.clock import now
from raglan.core.db import atomic, fault_point, take_turn
from raglan.core.decisions import Decision
from raglan.paging import actions as paging

Fact = tuple[timeline.EventPayload, Sequence[timeline.Subject]]


@dataclass
class Snapshot:
    """What the stages look at, and what they have changed so far in this transaction."""

    at: datetime
    rules: list[RouteRule]
    noise: Noise = field(default_factory=Noise)
    open_alerts: dict[str, Alert] = field(default_factory=dict)
    open_groups: dict[str, AlertGroup] = field(default_factory=dict)
    touched: dict[int, Alert] = field(default_factory=dict)
    groups_touched: dict[int, AlertGroup] = field(default_factory=dict)
    decisions: list[StageDecision] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


@dataclass
class _Counts:
    new: int = 0
    repeated: int = 0
    resolved: int = 0
    parked: int = 0


@atomic
def ingest(batches: Sequence[Batch]) -> list[Outcome]:
    """Take in all batches, or none. Returns what became of each, in order."""
    take_turn("alerts")  # counts of a group are read and written
    snapshot = _snapshot(batches)
    outcomes = [_take_batch(batch, snapshot) for batch in batches]
    _store(snapshot)
    _note_sources(batches)
    fault_point("ingest.before_commit")
    return outcomes


def _snapshot(batches: Sequence[Batch]) -> Snapshot:
    prints = {identify(signal, batch.source.id)[0] for batch in batches for signal in batch.decoded.signals}
    at = now()
    snapshot = Snapshot(at, queries.routes(), queries.noise(at))
    for chunk in _chunks(sorted(prints), 500):
        firing = Alert.objects.select_related("group", "group__page").filter(
            fingerprint__in=chunk, state=Alert.State.FIRING
        )
        snapshot.open_alerts |= {alert.fingerprint: alert for alert in firing}
    for alert in snapshot.open_alerts.values():
        alert.group = snapshot.open_groups.setdefault(alert.group.key, alert.group)
    return snapshot


def _chunks(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _take_batch(batch: Batch, snapshot: Snapshot) -> Outcome:
    counts = _Counts()
    for signal in batch.decoded.signals:
        _take(signal, batch, snapshot, counts)
    for problem in batch.decoded.problems:
        counts.parked += 1
        sentence = f"{problem.field}: {problem.sentence}" if problem.field else problem.sentence
        snapshot.signals.append(
            Signal(
                source_id=batch.source.id,
                received_at=batch.received_at,
                status="parked",
                raw={"body": problem.raw},
                problem=sentence,
            )
        )
        about = [f"source:{batch.source.id}"]
        snapshot.facts.append((events.SignalParked(source=batch.source.slug, problem=sentence[:500]), about))
    return Outcome(counts.new, counts.repeated, counts.resolved, counts.parked)


def _take(signal: RawSignal, batch: Batch, snapshot: Snapshot, counts: _Counts) -> None:
    fingerprint, identified = identify(signal, batch.source.id)
    alert = snapshot.open_alerts.get(fingerprint)
    decided = deduplicate(signal, is_open=alert is not None)
    if alert is None:
        if decided.outcome == "new":
            counts.new += 1
            alert = _open_alert(signal, batch, snapshot, fingerprint)
            _decide(snapshot, alert, identified, decided)
            _place(alert, signal, batch, snapshot)
        _keep(signal, batch, snapshot, alert, decided)
        return
    alert.last_seen_at = snapshot.at
    alert.signal_count += 1
    snapshot.touched[alert.pk] = alert
    match decided.outcome:
        case "repeat":
            counts.repeated += 1
            _refresh(alert, signal)
        case "resolves":
            counts.resolved += 1
            _decide(snapshot, alert, decided)
            _keep(signal, batch, snapshot, alert, decided)
            close_alert(alert, snapshot, why=decided.reason, ends_at=signal.ends_at)
        case _:
            _decide(snapshot, alert, decided)
            _keep(signal, batch, snapshot, alert, decided)
            _acknowledge(alert, batch)


def _refresh(alert: Alert, signal: RawSignal) -> None:
    """Take over what a repeat may have changed; the latest expiry wins."""
    alert.annotations = signal.annotations or alert.annotations
    if signal.expires_at is not None:
        alert.expires_at = max(filter(None, (alert.expires_at, signal.expires_at)))


def _open_alert(signal: RawSignal, batch: Batch, snapshot: Snapshot, fingerprint: str) -> Alert:
    return Alert(
        fingerprint=fingerprint,
        dedup_key=signal.dedup_key,
        source_id=batch.source.id,
        labels=signal.labels,
        annotations=signal.annotations,
        title=signal.title[:300],
        severity=signal.severity[:20],
        link=signal.link,
        starts_at=signal.starts_at or batch.received_at,
        expires_at=signal.expires_at,
        received_at=batch.received_at,
        last_seen_at=snapshot.at,
    )


def _place(alert: Alert, signal: RawSignal, batch: Batch, snapshot: Snapshot) -> None:
    """Route and group a new alert, store it, and page when its group is new."""
    rule, routed = route(signal.labels, snapshot.rules)
    key, shared, grouped = group_key(
        signal.labels,
        route_id=rule.id if rule else None,
        source_id=batch.source.id,
        group_by=rule.group_by if rule else (),
    )
    group = _open_group(key, snapshot)
    is_new = group is None
    if group is None:
        group = AlertGroup.objects.create(
            key=key,
            title=signal.title[:300],
            labels=shared,
            severity=signal.severity[:20],
            source_id=batch.source.id,
            opened_at=snapshot.at,
            **_paging_of(rule, snapshot.at),
        )
        plan_for(group)
        snapshot.open_groups[key] = group
    alert.group = group
    group.alert_count += 1
    group.firing_count += 1
    snapshot.groups_touched[group.pk] = group
    held = hold(signal.labels, source_id=batch.source.id, noise=snapshot.noise, at=snapshot.at)
    set_held(alert, held.how, list(held.by), snapshot.at)
    alert.save(force_insert=True)
    snapshot.open_alerts[alert.fingerprint] = alert
    decided, facts = attend(group, alert, snapshot.at)
    _decide(snapshot, alert, routed, grouped, *held.decisions, decided)
    snapshot.facts.extend([_opened(group, decided)] if is_new else facts)
    snapshot.facts.append((_fired(alert, batch.source.slug), [alert, group, "alerts"]))


def _paging_of(rule: RouteRule | None, at: datetime) -> dict[str, object]:
    """Return what a new group keeps of its route: a route that changes later does not change a group that is open."""
    return {"policy_id": rule.policy_id} if rule else {}


def set_held(alert: Alert, how: str, by: list[str], at: datetime) -> None:
    """Note on an alert, and on the counts of its group, what holds it back."""
    alert.group.held_count += bool(how) - bool(alert.held)
    if not how and (alert.held or alert.active_since is None):
        alert.active_since = at
    elif how:
        alert.active_since = None
    alert.held, alert.held_by = how, by


def _fired(alert: Alert, source: str) -> events.AlertFired:
    return events.AlertFired(
        alert=alert.pk,
        group=alert.group_id,
        source=source,
        source_id=alert.source_id,
        fingerprint=alert.fingerprint,
        dedup_key=alert.dedup_key,
        title=alert.title,
        severity=alert.severity,
        labels=alert.labels,
        link=alert.link,
        starts_at=alert.starts_at,
        received_at=alert.received_at,
        held=alert.held,
        held_by=alert.held_by,
        active_since=alert.active_since,
    )


def _open_group(key: str, snapshot: Snapshot) -> AlertGroup | None:
    if key not in snapshot.open_groups:
        found = (
            AlertGroup.objects.select_related("page__acknowledged_by", "policy")
            .filter(key=key, state=AlertGroup.State.OPEN)
            .first()
        )
        if found is None:
            return None
        snapshot.open_groups[key] = found
    return snapshot.open_groups[key]


def _opened(group: AlertGroup, decided: Decision) -> Fact:
    opened = events.GroupOpened(
        group=group.pk,
        key=group.key,
        title=group.title,
        severity=group.severity,
        labels=group.labels,
        source_id=group.source_id,
        outcome=decided.outcome,
        page=group.page_id,
        opened_at=group.opened_at,
        policy=group.policy_id,
        interval_s=group.interval_s,
        page_at=group.page_at,
    )
    return opened, [group, "alerts", "now"]


def _acknowledge(alert: Alert, batch: Batch) -> None:
    page = alert.group.page
    if page is not None and page.state in paging.OPEN:
        paging.acknowledge(page, by=None, via=paging.Via.SOURCE, actor=f"source:{batch.source.id}")


def close_alert(alert: Alert, snapshot: Snapshot, *, why: str, ends_at: datetime | None = None) -> None:
    """Resolve an alert. The last one firing closes its group; when all that fires is held back, its page ends."""
    alert.state = Alert.State.RESOLVED
    alert.ends_at = ends_at or snapshot.at
    snapshot.touched[alert.pk] = alert
    snapshot.open_alerts.pop(alert.fingerprint, None)
    group = alert.group
    group.firing_count = max(0, group.firing_count - 1)
    group.held_count -= bool(alert.held)
    snapshot.groups_touched[group.pk] = group
    over = events.AlertResolved(alert=alert.pk, group=group.pk, title=alert.title, why=why, ends_at=alert.ends_at)
    snapshot.facts.append((over, [alert, group, "alerts"]))
    if group.firing_count == 0:
        group.state = AlertGroup.State.CLOSED
        group.closed_at = snapshot.at
        snapshot.open_groups.pop(group.key, None)
        closed = events.GroupClosed(group=group.pk, title=group.title, alerts=group.alert_count, closed_at=snapshot.at)
        snapshot.facts.append((closed, [group, "alerts", "now"]))
        end(group, why="every alert of its group is resolved")
        _save_group(group)  # before a new group with the same key may open in this batch
        _save_alert(alert)
    elif group.firing_count == group.held_count:
        end(group, why="what still fires in its group is held back")


def _decide(snapshot: Snapshot, alert: Alert, *decisions: Decision) -> None:
    snapshot.decisions.extend(
        StageDecision(alert=alert, at=snapshot.at, stage=d.stage, outcome=d.outcome, reason=d.reason, rule=d.rule)
        for d in decisions
    )


def _keep(signal: RawSignal, batch: Batch, snapshot: Snapshot, alert: Alert | None, decision: Decision) -> None:
    snapshot.signals.append(
        Signal(
            source_id=batch.source.id,
            alert=alert,
            received_at=batch.received_at,
            status=signal.status,
            raw={"body": signal.raw},
            problem="" if alert else decision.reason,
        )
    )


def _store(snapshot: Snapshot) -> None:
    for group in snapshot.groups_touched.values():
        _save_group(group)
    for alert in snapshot.touched.values():
        _save_alert(alert)
    StageDecision.objects.bulk_create(
        StageDecision(
            alert_id=item.alert.pk,
            at=item.at,
            stage=item.stage,
            outcome=item.outcome,
            reason=item.reason,
            rule=item.rule,
        )
        for item in snapshot.decisions
    )
    for signal in snapshot.signals:
        signal.alert_id = signal.alert.pk if signal.alert else None
    Signal.objects.bulk_create(snapshot.signals)
    timeline.append_many(snapshot.facts)


def store(snapshot: Snapshot) -> None:
    """Write what has changed, for actions that change alerts without a signal."""
    _store(snapshot)


def decide(snapshot: Snapshot, alert: Alert, *decisions: Decision) -> None:
    """Keep decisions on an alert."""
    _decide(snapshot, alert, *decisions)


def _save_group(group: AlertGroup) -> None:
    counts = ["alert_count", "firing_count", "held_count"]
    group.save(update_fields=[*counts, "state", "closed_at", "page", "page_at", "severity"])


def _save_alert(alert: Alert) -> None:
    seen = ["annotations", "expires_at", "last_seen_at", "signal_count"]
    alert.save(update_fields=[*seen, "state", "ends_at", "held", "held_by", "active_since"])


def _note_sources(batches: Sequence[Batch]) -> None:
    for source_id in {batch.source.id for batch in batches}:
        Source.objects.filter(pk=source_id).update(last_heard_at=now())
    for batch in batches:
        metrics.signals_accepted.labels(batch.source.slug).inc(len(batch.decoded.signals))
        if batch.decoded.problems:
            problem = batch.decoded.problems[0]
            sentence = f"{problem.field}: {problem.sentence}" if problem.field else problem.sentence
            Source.objects.filter(pk=batch.source.id).update(last_error=sentence[:1000], last_error_at=now())


@atomic
def expire() -> int:
    """Resolve firing alerts that were not heard of until the time that their source promised. Return how many."""
    take_turn("alerts")
    at = now()
    late = Alert.objects.select_related("group", "group__page").filter(state=Alert.State.FIRING, expires_at__lt=at)
    alerts = list(late.order_by("pk")[:500])
    if alerts:
        snapshot = Snapshot(at, [])
        for alert in alerts:
            alert.group = snapshot.open_groups.setdefault(alert.group.key, alert.group)
            reason = "not heard of until the time that its source promised"
            _decide(snapshot, alert, Decision("expire", "resolved", reason))
            close_alert(alert, snapshot, why=reason)
        _store(snapshot)
    return len(alerts)


EXPIRE_EVERY = timedelta(seconds=5)
