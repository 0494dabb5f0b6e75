"""From a batch of signals to alerts, groups, pages and timers, in one transaction.

The journal calls `ingest` with all that waits; the commit is what a 2xx stands on. Stages are pure and run over a
snapshot that is read once for the whole batch.
"""

from collections import Counter as Tally
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db import DatabaseError

from raglan.alerts import events, flapping, noise_queries, storms, taken
from raglan.alerts.attend import attend, end, joins, plan_for
from raglan.alerts.inhibitors import drop_inhibitor, note_inhibitor
from raglan.alerts.joining import Fired, Joined, Seen, new_alert, page_to_join, row_of, trail_of
from raglan.alerts.models import Alert, AlertGroup, Source
from raglan.alerts.open_prints import open_prints
from raglan.alerts.pipeline import deduplicate
from raglan.alerts.pipeline.deduplicate import NEW
from raglan.alerts.pipeline.route import RouteRule
from raglan.alerts.placing import Placed
from raglan.alerts.ports import Batch, Beat, Outcome, RawSignal, SourceKey, Standing
from raglan.alerts.snapshot import HEARD_EVERY, NEVER, Fact, Snapshot, keep, read
from raglan.core import metrics
from raglan.core.clock import now
from raglan.core.db import atomic, bulk, fault_point, take_turn
from raglan.core.decisions import Decision

_accepted_of = cache(metrics.signals_accepted.labels)  # the library looks a label up with a lock and a copy


@dataclass(slots=True)
class _Counts:
    new: int = 0
    repeated: int = 0
    resolved: int = 0
    parked: int = 0

    def outcome(self, standing: Sequence[Standing | None]) -> Outcome:
        return Outcome(self.new, self.repeated, self.resolved, self.parked, standing)


def begin_intake() -> None:
    """Make the thread ready that will call `ingest` for all that comes over HTTP."""
    bulk.keep_many_pages()
    bulk.leave_checks_out()
    if not bulk.is_postgresql():
        with suppress(DatabaseError):  # else whoever asks first reads it
            open_prints.load()


@atomic
def ingest(batches: Sequence[Batch]) -> list[Outcome]:
    """Take in all batches, or none. Returns what became of each, in order."""
    take_turn("alerts")  # counts of a group are read and written
    snapshot = read(batches)
    flapping.read_openings(snapshot, min((batch.received_at for batch in batches), default=snapshot.at))
    counted = [_take_batch(batch, seen, snapshot) for batch, seen in zip(batches, snapshot.seen, strict=True)]
    snapshot.store()
    _settle(snapshot)
    _note_sources(batches, snapshot)
    fault_point("ingest.before_commit")
    keep(snapshot)
    return [
        counts.outcome([snapshot.standing(item) for item in seen] if batch.decoded.marks else ())
        for batch, seen, counts in zip(batches, snapshot.seen, counted, strict=True)
    ]


def _settle(snapshot: Snapshot) -> None:
    if snapshot.left:
        storms.settle(snapshot.open_groups.values(), why="all that fired in this storm is over or held back")
    taken.take_what_is_left(group for group in snapshot.shrunk.values() if group.state == AlertGroup.State.OPEN)


def _take_batch(batch: Batch, seen: Sequence[Seen], snapshot: Snapshot) -> _Counts:
    counts = _Counts()
    for item in seen:
        _take(item, batch, snapshot, counts)
    for problem in batch.decoded.problems:
        counts.parked += 1
        sentence = f"{problem.field}: {problem.sentence}" if problem.field else problem.sentence
        snapshot.keep("parked", problem.raw, batch, problem=sentence)
        about = [f"source:{batch.source.id}"]
        snapshot.tell((events.SignalParked(source=batch.source.slug, problem=sentence[:500]), about))
    return counts


def _take(seen: Seen, batch: Batch, snapshot: Snapshot, counts: _Counts) -> None:
    signal = seen.signal
    alert = snapshot.open_alert(seen.fingerprint)
    if alert is None and seen.placed is not None:  # what was not open when all was read, and still is not
        counts.new += 1
        key = _join(seen, seen.placed, batch, snapshot) or _open_alert(seen, NEW, batch, snapshot).id
        snapshot.keep(signal.status, signal.raw, batch, alert=key)
        return
    decided = deduplicate(signal, is_open=alert is not None)
    if alert is None:
        if decided is NEW:
            counts.new += 1
            alert = _open_alert(seen, decided, batch, snapshot)
        _keep(signal, batch, snapshot, alert, decided)
        return
    alert.last_seen_at = snapshot.at
    alert.signal_count += 1
    snapshot.touch(alert)
    match decided.outcome:
        case "repeat":
            counts.repeated += 1
            _refresh(alert, signal)
        case "resolves":
            counts.resolved += 1
            snapshot.decide(alert, decided)
            _keep(signal, batch, snapshot, alert, decided)
            close_alert(alert, snapshot, why=decided.reason, ends_at=signal.ends_at)
        case _:
            snapshot.flush()  # the alert and its page may be of this very transaction
            snapshot.decide(alert, decided)
            _keep(signal, batch, snapshot, alert, decided)
            snapshot.store_decisions()
            snapshot.decide(alert, taken.take(alert.group, alert))


def _refresh(alert: Alert, signal: RawSignal) -> None:
    """Take over what a repeat may have changed; the latest expiry wins."""
    alert.annotations = signal.annotations or alert.annotations
    if signal.expires_at is not None:
        alert.expires_at = max(filter(None, (alert.expires_at, signal.expires_at)))


def _join(seen: Seen, placed: Placed, batch: Batch, snapshot: Snapshot) -> int | None:
    """Open an alert that only counts on the page of its group and return its key; None when there is more to do."""
    group, fingerprint = snapshot.open_groups.get(placed.key), seen.fingerprint
    if group is None or fingerprint in snapshot.openings or fingerprint in snapshot.noise.flaps:
        return None
    page = page_to_join(group)
    if page is None:
        return None
    labels, source, received_at = seen.signal.labels, batch.source, batch.received_at
    held = snapshot.hold(labels, source.id)
    if held.how or any(rule.is_source(labels) for rule in snapshot.noise.inhibitions):
        return None
    snapshot.openings[fingerprint] = [received_at]
    key, at = snapshot.alert_keys.take(), snapshot.at
    decided = trail_of(seen, NEW, placed, held, joins(page.id))
    times, trail = (received_at, at), snapshot.trail(decided)
    row, fired = row_of(seen, key, (source.id, source.slug), group.id, times, trail)
    group.alert_count += 1
    group.firing_count += 1
    snapshot.count(group)
    alert = Joined(key, seen.signal.expires_at, seen, source.id, group, received_at, at, decided)
    snapshot.add_joined(alert, row, fired)
    return key


def _open_alert(seen: Seen, new: Decision, batch: Batch, snapshot: Snapshot) -> Alert:
    """Open an alert in its group, and page when nothing holds it back and nobody is paged yet."""
    signal, at, received_at, source_id = seen.signal, snapshot.at, batch.received_at, batch.source.id
    placed = seen.placed or snapshot.places.of(signal.labels, source_id, at, seen.fingerprint)
    known = snapshot.open_groups.get(placed.key)
    group = known or _open_group(placed, signal, batch, snapshot)
    flaps = flapping.at_opening(seen, placed, source_id, received_at, snapshot)
    asked = flapping.asked(flaps, signal.severity, received_at, at) if flaps else None
    held = snapshot.hold(signal.labels, source_id, asked)
    alert = new_alert(seen, snapshot.alert_keys.take(), source_id, group, received_at, at)
    alert.held, alert.held_by, alert.active_since = held.how, list(held.by), None if held.how else at
    alert.trail = [seen.identified, new, placed.routed, placed.grouped, *held.decisions]
    group.alert_count += 1
    group.firing_count += 1
    group.held_count += bool(held.how)
    snapshot.count(group)
    snapshot.add_alert(alert)
    if snapshot.noise.inhibitions:
        note_inhibitor(alert, snapshot.noise.inhibitions)
    earlier, waited_until = group.page_id, group.page_at
    telling = flaps.words if flaps else ""
    decided, facts = attend(group, alert, at, page_by=snapshot.start_page, telling=telling)
    page = group.page_id
    if page != earlier or group.page_at != waited_until:
        snapshot.touch(group)
    snapshot.left |= earlier not in (None, page)
    snapshot.decide(alert, decided)
    if known is None:
        snapshot.tell_opened(_opened(group, decided))
    elif facts:
        snapshot.tell(*facts)
    snapshot.fire(_fired(alert, group.id, batch.source))
    if flaps:
        flapping.opened(alert, flaps, snapshot)
    return alert


def _open_group(placed: Placed, signal: RawSignal, batch: Batch, snapshot: Snapshot) -> AlertGroup:
    policy = snapshot.policy(placed.rules[0].policy_id) if placed.rules else None
    group = bulk.fresh(
        AlertGroup,
        {"policy": policy, "page": None},
        id=snapshot.group_keys.take(),
        key=placed.key,
        title=signal.title[:300],
        labels=placed.shared,
        severity=signal.severity[:20],
        source_id=batch.source.id,
        opened_at=snapshot.at,
        **_paging_of(placed.rules, snapshot.at),
    )
    plan_for(group)
    snapshot.add_group(group)
    return group


def _paging_of(rules: Sequence[RouteRule], at: datetime) -> dict[str, object]:
    """Return what a new group keeps of its routes: a route that changes later does not change a group that is open."""
    if not rules:
        return {}
    first = rules[0]
    also = sorted({rule.policy_id for rule in rules[1:]} - {first.policy_id})
    page_at = at + timedelta(seconds=first.wait_s) if first.wait_s else None
    said = {str(rule.policy_id): rule.urgency for rule in reversed(rules)}
    told = {policy: urgency for policy, urgency in said.items() if urgency}
    own = {"policy_id": first.policy_id, "also": also, "interval_s": first.interval_s, "page_at": page_at}
    return {**own, "urgencies": told or None}


def set_held(alert: Alert, how: str, by: list[str], at: datetime) -> None:
    """Note on an alert, and on the counts of its group, what holds it back."""
    alert.group.held_count += bool(how) - bool(alert.held)
    if not how and (alert.held or alert.active_since is None):
        alert.active_since = at
    elif how:
        alert.active_since = None
    alert.held, alert.held_by = how, by


def _fired(alert: Alert, group_id: int, source: SourceKey) -> Fired:
    """Return what is told of an alert that fires."""
    return Fired(
        alert.id,
        group_id,
        source.slug,
        source.id,
        alert.fingerprint,
        alert.dedup_key,
        alert.title,
        alert.severity,
        alert.labels,
        alert.link,
        alert.starts_at,
        alert.received_at,
        alert.held,
        alert.held_by,
        alert.active_since,
        alert.waits_behind,
    )


def _opened(group: AlertGroup, decided: Decision) -> Fact:
    opened = events.GroupOpened(
        group=group.id,
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
        also=group.also,
        urgencies=group.urgencies,
    )
    return opened, [group, "alerts", "now"]


def close_alert(alert: Alert, snapshot: Snapshot, *, why: str, ends_at: datetime | None = None) -> None:
    """Resolve an alert. The last one firing closes its group; when all that fires is held back, its page ends."""
    alert.state = Alert.State.RESOLVED
    alert.ends_at = ends_at or snapshot.at
    snapshot.touch(alert)
    snapshot.open_alerts.pop(alert.fingerprint, None)
    snapshot.opened.pop(alert.fingerprint, None)
    snapshot.closed.append((alert.fingerprint, alert.pk))
    drop_inhibitor(alert, snapshot.noise.inhibitions, snapshot.causes)
    group = alert.group
    group.firing_count = max(0, group.firing_count - 1)
    group.held_count -= bool(alert.held)
    snapshot.touch(group)
    over = events.AlertResolved(alert=alert.pk, group=group.id, title=alert.title, why=why, ends_at=alert.ends_at)
    snapshot.tell((over, [alert, group, "alerts"]))
    flapping.closed(alert, snapshot)
    if group.firing_count == 0:
        group.state = AlertGroup.State.CLOSED
        group.closed_at = snapshot.at
        snapshot.open_groups[group.key] = None
        closed = events.GroupClosed(group=group.id, title=group.title, alerts=group.alert_count, closed_at=snapshot.at)
        snapshot.tell((closed, [group, "alerts", "now"]))
        _end(group, snapshot, why="every alert of its group is resolved")
    elif group.firing_count == group.held_count:
        _end(group, snapshot, why="what still fires in its group is held back")
    else:
        snapshot.shrunk[group.id] = group


def _end(group: AlertGroup, snapshot: Snapshot, *, why: str) -> None:
    snapshot.flush()  # the page may be of this very transaction
    end(group, why=why)
    snapshot.touch(group)
    snapshot.left = True


def _keep(signal: RawSignal, batch: Batch, snapshot: Snapshot, alert: Alert | None, decision: Decision) -> None:
    if alert is None:
        snapshot.keep(signal.status, signal.raw, batch, problem=decision.reason)
    else:
        snapshot.keep(signal.status, signal.raw, batch, alert=alert.id)


def store(snapshot: Snapshot) -> None:
    """Write what has changed, for actions that change alerts without a signal."""
    snapshot.store()


def decide(snapshot: Snapshot, alert: Alert, *decisions: Decision) -> None:
    """Keep decisions on an alert."""
    snapshot.decide(alert, *decisions)


def _note_sources(batches: Sequence[Batch], snapshot: Snapshot) -> None:
    heard = {batch.source.id for batch in batches}
    late = [pk for pk in heard if snapshot.at - snapshot.heard.get(pk, NEVER) >= HEARD_EVERY]
    if late:
        bulk.update_rows(Source, ("last_heard_at",), [(bulk.stamp(snapshot.at), pk) for pk in sorted(late)])
        snapshot.heard |= dict.fromkeys(late, snapshot.at)
    accepted = Tally[str]()
    for batch in batches:
        accepted[batch.source.slug] += len(batch.decoded.signals)
        if batch.decoded.problems:
            problem = batch.decoded.problems[0]
            sentence = f"{problem.field}: {problem.sentence}" if problem.field else problem.sentence
            Source.objects.filter(pk=batch.source.id).update(last_error=sentence[:1000], last_error_at=now())
    for slug, count in accepted.items():
        _accepted_of(slug).inc(count)


@atomic
def seen_again(beats: Sequence[Beat], source_ids: Sequence[int]) -> None:
    """Count repeats that were answered before they were stored; see `edge.repeats` for what that may cost."""
    take_turn("alerts")
    rows = [(beat.count, bulk.stamp(beat.seen_at), bulk.stamp(beat.expires_at), beat.alert) for beat in beats]
    bulk.move_on(Alert, "signal_count", ("last_seen_at", "expires_at"), rows)
    Source.objects.filter(pk__in=source_ids).update(last_heard_at=now())


@atomic
def expire() -> int:
    """Resolve firing alerts that were not heard of until the time that their source promised. Return how many."""
    take_turn("alerts")
    at = now()
    late = Alert.objects.select_related("group", "group__page").filter(state=Alert.State.FIRING, expires_at__lt=at)
    alerts = list(late.order_by("pk")[:500])
    if alerts:
        snapshot = Snapshot(at, noise=noise_queries.noise(at))
        for alert in alerts:
            alert.group = snapshot.open_groups.setdefault(alert.group.key, alert.group) or alert.group
            reason = "not heard of until the time that its source promised"
            snapshot.decide(alert, Decision("expire", "resolved", reason))
            close_alert(alert, snapshot, why=reason)
        snapshot.store()
        _settle(snapshot)
    return len(alerts)


EXPIRE_EVERY = timedelta(seconds=5)
