"""Alerts that open and end again and again: noticed when one opens, counted while it lasts, stored as it goes.

An alert that does not flap costs one look at an index, together with all others that open in the same transaction.
What the rule is stands in `pipeline.flap`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from raglan.alerts import events, noise_queries, queries
from raglan.alerts.joining import Seen
from raglan.alerts.models import Alert, Flap
from raglan.alerts.pipeline.flap import HELD, Flapping, FlapRule, changes_of, flap
from raglan.alerts.pipeline.hold import Asked
from raglan.alerts.pipeline.route import RouteRule
from raglan.alerts.pipeline.severity import is_critical
from raglan.alerts.placing import Placed
from raglan.alerts.snapshot import Fact, Snapshot
from raglan.config import config
from raglan.core import timeline, timers
from raglan.paging import queries as paging

QUIET = "alerts.flap_quiet"
OPEN = "alerts.flap_open"
CHUNK = 500


def default_rule() -> FlapRule:
    """Return the rule for what neither a route nor a source says otherwise."""
    own = config()
    within_s, quiet_s, open_s = 60 * own.flap_within_min, 60 * own.flap_quiet_min, 60 * own.flap_open_min
    return FlapRule(own.flap_changes, within_s, quiet_s, open_s, "the default of this raglan")


def read_openings(snapshot: Snapshot, since: datetime) -> None:
    """Read when what opens now opened lately. It is told by an index alone; for most there is nothing."""
    fingerprints = {item.fingerprint for seen in snapshot.seen for item in seen if item.placed}
    rules = (route.flapping for route in snapshot.rules if route.flapping)
    known = [default_rule(), *snapshot.noise.flap_rules.values(), *rules]
    longest = max(rule.within_s if rule.changes else 0 for rule in known)
    if not longest:
        return
    found = queries.opened_since(fingerprints, since - timedelta(seconds=longest))
    for start in range(0, len(found), CHUNK):
        opened = Alert.objects.filter(pk__in=found[start : start + CHUNK]).values_list("fingerprint", "received_at")
        for fingerprint, opened_at in opened:
            snapshot.openings.setdefault(fingerprint, []).append(opened_at)
    for openings in snapshot.openings.values():
        openings.sort()


def at_opening(seen: Seen, placed: Placed, source_id: int, at: datetime, snapshot: Snapshot) -> Flapping | None:
    """Count one more opening; return the alert as it flaps, or None when it does not."""
    earlier = snapshot.openings.get(seen.fingerprint)
    snapshot.openings[seen.fingerprint] = [*(earlier or ()), at]
    flapping = snapshot.noise.flaps.get(seen.fingerprint)
    if earlier is None and flapping is None:
        return None
    rule = _rule_for(placed.rules, source_id, snapshot)
    if rule.is_off:
        return None
    if flapping is not None:
        flapping.changes, flapping.last_at = flapping.changes + 1, at
        return flapping
    changes, first_at = changes_of(earlier or [], at, rule)
    if changes >= rule.changes and (steady := _steady_since(seen.fingerprint)):
        changes, first_at = changes_of([moment for moment in earlier or [] if moment > steady], at, rule)
    return _begin(seen, placed, source_id, rule, (changes, first_at, at), snapshot) if changes >= rule.changes else None


def _steady_since(fingerprint: str) -> datetime | None:
    """Return when a condition last ceased to flap: what was before does not count again."""
    ended = Flap.objects.filter(fingerprint=fingerprint).order_by("-pk").values_list("ended_at", flat=True)
    return ended.first()


def _rule_for(routes: Sequence[RouteRule], source_id: int, snapshot: Snapshot) -> FlapRule:
    own = routes[0].flapping if routes else None
    return own or snapshot.noise.flap_rules.get(source_id) or default_rule()


def _begin(
    seen: Seen,
    placed: Placed,
    source_id: int,
    rule: FlapRule,
    counted: tuple[int, datetime, datetime],
    snapshot: Snapshot,
) -> Flapping:
    changes, first_at, at = counted
    made = Flap.objects.create(
        fingerprint=seen.fingerprint,
        source_id=source_id,
        route=placed.rules[0].id if placed.rules else None,
        title=seen.signal.title[:300],
        rule=rule.name[:60],
        changes=changes,
        first_at=first_at,
        began_at=at,
        last_at=at,
        quiet_s=rule.quiet_s,
        open_s=rule.open_s,
    )
    timers.schedule(QUIET, subject=timeline.ref(made), due_at=at + timedelta(seconds=rule.quiet_s))
    snapshot.noise.flaps[seen.fingerprint] = flapping = noise_queries.flapping(made)
    return flapping


def asked(flapping: Flapping | None, severity: str, since: datetime, at: datetime) -> Asked | None:
    """Ask the stage about an alert that flaps, with whether somebody was really told of it."""
    if flapping is None:
        return None
    is_told = flapping.page_id is not None and paging.was_told(flapping.page_id)
    return flap(flapping, is_told=is_told, stays_open=flapping.stays_open(severity, since, at))


def opened(alert: Alert, flapping: Flapping, snapshot: Snapshot) -> None:
    """Store that a flapping alert has opened: with its page, when it got one, or else with a look at it later."""
    if alert.held == HELD and is_critical(alert.severity):
        timers.cancel(OPEN, subject=flapping.ref)
        due_at = alert.received_at + timedelta(seconds=flapping.open_s)
        timers.schedule(OPEN, subject=flapping.ref, due_at=due_at)
    paged(alert, flapping, snapshot)


def paged(alert: Alert, flapping: Flapping, snapshot: Snapshot) -> None:
    """Store a flapping alert, with the page that says so when there is a new one."""
    page = alert.group.page
    if not alert.held and page is not None and page.pk != flapping.page_id:
        flapping.page_id, flapping.paged_at = page.pk, snapshot.at
    _store(flapping, alert, snapshot)


def closed(alert: Alert, snapshot: Snapshot) -> None:
    """Count the end of an alert, when it flaps."""
    flapping = snapshot.noise.flaps.get(alert.fingerprint)
    if flapping is not None:
        flapping.changes, flapping.last_at = flapping.changes + 1, snapshot.at
        _store(flapping, alert, snapshot)


def _store(flapping: Flapping, alert: Alert, snapshot: Snapshot) -> None:
    Flap.objects.filter(pk=flapping.id).update(
        changes=flapping.changes,
        last_at=flapping.last_at,
        page_id=flapping.page_id,
        paged_at=flapping.paged_at,
    )
    snapshot.tell(told(flapping, alert))


def told(flapping: Flapping, alert: Alert) -> Fact:
    """Return the event of one change of an alert that flaps."""
    fact = events.AlertFlaps(
        flap=flapping.id,
        alert=alert.pk,
        fingerprint=flapping.fingerprint,
        source_id=alert.source_id,
        route=flapping.route_id,
        title=alert.title,
        rule=flapping.rule,
        changes=flapping.changes,
        first_at=flapping.first_at,
        began_at=flapping.began_at,
        last_at=flapping.last_at,
        quiet_s=flapping.quiet_s,
        open_s=flapping.open_s,
        page=flapping.page_id,
        paged_at=flapping.paged_at,
    )
    return fact, [alert, f"group:{alert.group_id}", "alerts", "now"]
