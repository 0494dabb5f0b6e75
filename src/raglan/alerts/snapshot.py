"""What the stages look at and what they have changed, read with few statements and stored with few.

New rows get their keys beforehand, so that decisions and events may name them; they are written together at the end,
or earlier when an action of paging needs to find them.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import msgspec
from django.db import transaction
from django.db.models import Model

from raglan.alerts import closing, events, noise_queries, queries, route_queries
from raglan.alerts.inhibitors import causes_of
from raglan.alerts.joining import COLUMNS, Fired, Joined, Seen
from raglan.alerts.models import Alert, AlertGroup, Signal, StageDecision, Trail
from raglan.alerts.open_prints import follow_commit, forget_after_commit, open_prints
from raglan.alerts.pipeline import Noise, hold, identify
from raglan.alerts.pipeline.hold import Asked, Held
from raglan.alerts.pipeline.inhibit import Cause
from raglan.alerts.pipeline.route import RouteRule
from raglan.alerts.placing import Placed, Places
from raglan.alerts.ports import Batch, RawSignal, Standing
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import bulk, quiet
from raglan.core.decisions import Decision
from raglan.core.standing import Matter
from raglan.paging import actions as paging
from raglan.paging import at_once
from raglan.paging import queries as policies
from raglan.paging.models import Page, Policy
from raglan.paging.plan import Plan, Urgency

CHUNK = 500
MOST_KEPT = 5_000
# What begins or ends by time is looked at by a timer, which writes; this bounds how long a change waits for its timer.
NOISE_KEPT = timedelta(seconds=1)
HEARD_EVERY = timedelta(seconds=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
GROUP_COUNTS = ("alert_count", "firing_count", "held_count")
GROUP_FIELDS = (*GROUP_COUNTS, "state", "closed_at", "page_id", "page_at", "severity")
ALERT_FIELDS = (
    *("annotations", "expires_at", "last_seen_at", "signal_count", "state", "ends_at"),
    *("held", "held_by", "active_since", "waits_behind"),
)
SIGNAL_COLUMNS = ("source_id", "alert_id", "received_at", "status", "raw", "problem")
TRAILS_AT_ONCE = 16  # keys
FIRED_AT_ONCE = 64  # alerts in one event
# What changes routes, plans and what holds alerts back: each change of it is told by an event that begins like this.
RULES = Matter("route.", "policy.", "silence.", "inhibition.", "maintenance.", "source.", "alert.flaps", "alert.steady")
Fact = tuple[timeline.EventPayload, Sequence[timeline.Subject]]
M = TypeVar("M", bound=Model)
_encode = msgspec.json.Encoder().encode


class Keys(Generic[M]):
    """Keys of new rows: as many as are expected at once, then one by one or some at a time."""

    def __init__(self, model: type[M], expected: int, then: int = 1) -> None:
        self._model = model
        self.expected, self._then = expected, then  # how many are taken when there is none
        self._left: list[int] = []
        self.given = 0  # by the database, taken or not

    def take(self) -> int:
        """Return the next key."""
        if not self._left:
            self._left = bulk.take_keys(self._model, max(1, self.expected))[::-1]
            self.given += len(self._left)
            self.expected = self._then
        return self._left.pop()


@dataclass
class Snapshot:
    """What is open and what the rules are; and all that this transaction is going to store."""

    at: datetime
    rules: list[RouteRule] = field(default_factory=list)
    noise: Noise = field(default_factory=Noise)
    causes: dict[str, list[Cause]] = field(default_factory=dict)
    seen: list[list[Seen]] = field(default_factory=list)
    open_alerts: dict[str, Alert | Joined] = field(default_factory=dict)
    open_groups: dict[str, AlertGroup | None] = field(default_factory=dict)
    alert_keys: Keys[Alert] = field(default_factory=lambda: Keys(Alert, 1))
    group_keys: Keys[AlertGroup] = field(default_factory=lambda: Keys(AlertGroup, 1))
    page_keys: Keys[Page] = field(default_factory=lambda: Keys(Page, 1))
    trail_keys: Keys[Trail] = field(default_factory=lambda: Keys(Trail, TRAILS_AT_ONCE, TRAILS_AT_ONCE))
    new_trails: list[bulk.Row] = field(default_factory=list)
    new_alerts: dict[int, Alert] = field(default_factory=dict)
    joined: dict[int, bulk.Row] = field(default_factory=dict)  # new alerts that are rows already
    new_groups: dict[int, AlertGroup] = field(default_factory=dict)
    new_pages: list[Page] = field(default_factory=list)
    touched: dict[int, Alert] = field(default_factory=dict)
    groups_touched: dict[int, AlertGroup] = field(default_factory=dict)
    groups_counted: dict[int, AlertGroup] = field(default_factory=dict)
    decisions: list[StageDecision] = field(default_factory=list)
    trails: dict[tuple[Decision, ...], int] = field(default_factory=dict)
    closed: list[tuple[str, int]] = field(default_factory=list)  # by fingerprint and id
    opened: dict[str, int] = field(default_factory=dict)
    last_alert: int = 0
    shrunk: dict[int, AlertGroup] = field(default_factory=dict)  # groups that lost an alert and still have some
    left: bool = False  # whether a group ended or has another page now, so that the page of a storm may be over
    signals: list[bulk.Row] = field(default_factory=list)
    facts: list[timeline.Record] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    plans: dict[int, Plan] = field(default_factory=dict)
    policies: dict[int, Policy] = field(default_factory=dict)
    noise_at: datetime = NEVER
    stamp: int | None = None
    heard: dict[int, datetime] = field(default_factory=dict)
    openings: dict[str, list[datetime]] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    unheld: dict[int, Held] = field(default_factory=dict)

    def hold(self, labels: dict[str, str], source_id: int, flaps: Asked | None = None) -> Held:
        """Ask what holds an alert back, with what fires now."""
        if flaps is not None or not self.noise.is_alike:
            return hold(labels, source_id=source_id, noise=self.noise, at=self.at, causes=self.causes, flaps=flaps)
        held = self.unheld.get(source_id)
        if held is None:
            held = self.unheld[source_id] = hold(labels, source_id=source_id, noise=self.noise, at=self.at)
        return held

    def trail(self, decided: tuple[Decision, ...]) -> tuple[int | None, str]:
        """Return what was decided on an alert as it stands in its row: the id of a trail for some, or its own words."""
        key, is_again = self.places.trail(decided)
        if key is None:
            key = self.trails.get(decided)
        if key is None and is_again:
            key = self.trails[decided] = self.trail_keys.take()
            self.new_trails.append((key, bulk.text_of(decided)))
        return (None, bulk.text_of(decided)) if key is None else (key, "[]")

    def open_alert(self, fingerprint: str) -> Alert | None:
        """Return what is open with a fingerprint, to be looked at or changed."""
        found = self.open_alerts.get(fingerprint)
        if isinstance(found, Joined):
            made = self.open_alerts[fingerprint] = found.as_alert()
            if self.joined.pop(found.id, None) is not None:  # not stored yet, so that it is stored as it then is
                self.new_alerts[found.id] = made
            return made
        return found

    def add_joined(self, alert: Joined, row: bulk.Row, fired: Fired) -> None:
        """Open an alert that counts in a group; its row is stored with the others."""
        self.joined[alert.id] = row
        self.open_alerts[alert.seen.fingerprint] = alert
        self.opened[alert.seen.fingerprint] = alert.id
        self.fire(fired)

    def add_group(self, group: AlertGroup) -> None:
        """Open a group; it is stored with the others."""
        self.new_groups[group.id] = group
        self.open_groups[group.key] = group

    def add_alert(self, alert: Alert) -> None:
        """Open an alert; it is stored with the others."""
        self.new_alerts[alert.id] = alert
        self.open_alerts[alert.fingerprint] = alert
        self.opened[alert.fingerprint] = alert.id

    def count(self, group: AlertGroup) -> None:
        """Have the counts of a group stored, which no index knows."""
        if group.id not in self.new_groups:
            self.groups_counted[group.id] = group

    def touch(self, thing: Alert | AlertGroup) -> None:
        """Have what was changed on a row stored; a new one is stored as it then is."""
        if isinstance(thing, AlertGroup):
            if thing.id not in self.new_groups:
                self.groups_touched[thing.id] = thing
        elif thing.id not in self.new_alerts:
            self.touched[thing.id] = thing

    def decide(self, alert: Alert, *decisions: Decision) -> None:
        """Keep what was decided: with a new alert in its row, later in rows of their own."""
        if alert.id in self.new_alerts:
            alert.trail += decisions
            return
        self.decisions += [
            bulk.fresh(
                StageDecision,
                alert_id=alert.pk,
                at=self.at,
                stage=item.stage,
                outcome=item.outcome,
                reason=item.reason,
                rule=item.rule,
            )
            for item in decisions
        ]

    def keep(self, status: str, raw: object, batch: Batch, *, alert: int | None = None, problem: str = "") -> None:
        """Keep a message as it came, and what became of it."""
        received_at, text = bulk.stamp(batch.received_at), bulk.text_of({"body": raw})
        self.signals.append((batch.source.id, alert, received_at, status, text, problem))

    def tell(self, *facts: Fact) -> None:
        """Keep facts for the timeline, in order."""
        if facts:
            self._tell_fired()
            self.facts += [timeline.record(*fact) for fact in facts]

    def tell_opened(self, fact: Fact) -> None:
        """Keep that a group was opened. That goes before what has just fired, which need not be told alone for it."""
        self.facts.append(timeline.record(*fact))

    def fire(self, fired: Fired) -> None:
        """Keep that an alert fired; those that fire together are one event."""
        self.fired.append(fired)
        if len(self.fired) >= FIRED_AT_ONCE:
            self._tell_fired()

    def _tell_fired(self) -> None:
        """Put what fired into an event, in stored form: a storm makes so many that models are too slow."""
        if not self.fired:
            return
        names = [f"group:{group}" for group in dict.fromkeys([fired.group for fired in self.fired])]
        text = _encode({"alerts": self.fired, "names": names}).decode()
        self.facts.append(timeline.Record(events.AlertsFired.kind, text, ("alerts",), tuple(names)))
        self.fired = []

    def policy(self, pk: int) -> Policy:
        """Return a policy, read once."""
        if pk not in self.policies:
            self.policies[pk] = Policy.objects.get(pk=pk)
        return self.policies[pk]

    def start_page(
        self, policy: Policy, words: paging.Words, *, reason: paging.Reason, urgency: Urgency | None = None
    ) -> Page:
        """Start a page together with the others of this transaction."""
        if policy.id not in self.plans:
            self.plans[policy.id] = policies.plan_of(policy)
        plan = self.plans[policy.id]
        if not self.page_keys.given:
            bulk.reserve_keys(at_once.keys_for(self.page_keys.expected))
        page = paging.draft(policy, words, reason=reason, plan=plan, key=self.page_keys.take(), urgency=urgency)
        self.new_pages.append(page)
        return page

    def standing(self, seen: Seen) -> Standing | None:
        """Return the open alert that a signal is about, for whoever wants to know it again."""
        alert = self.open_alerts.get(seen.fingerprint)
        return Standing(alert.id, alert.expires_at) if alert is not None and alert.expires_at is not None else None

    def flush(self, *, is_last: bool = False) -> None:
        """Write alerts, groups and pages, so that actions find them. What closed goes first: its keys may be reused.

        When this is the last time, nothing becomes of a page any more before the commit, so that it takes its first
        step right here where that is plain.
        """
        counted = [group for pk, group in self.groups_counted.items() if pk not in self.groups_touched]
        bulk.update(counted, *GROUP_COUNTS)
        bulk.update(list(self.groups_touched.values()), *GROUP_FIELDS)
        bulk.update(list(self.touched.values()), *ALERT_FIELDS)
        bulk.insert(list(self.new_groups.values()))
        if self.new_pages and is_last:
            self.facts = at_once.start_many(self.new_pages) + self.facts  # groups and alerts speak of their pages
        elif self.new_pages:
            paging.start_many(self.new_pages)
        bulk.insert(list(self.new_alerts.values()))
        if self.new_trails:
            bulk.insert_rows(Trail, ("id", "decisions"), self.new_trails)
            self.new_trails = []
        if self.joined:
            bulk.insert_rows(Alert, COLUMNS, self.joined.values())
        alerts, groups = (self.new_alerts, self.joined, self.touched), (self.new_groups, self.groups_touched)
        for kept in (*alerts, *groups, self.groups_counted):
            kept.clear()
        self.new_pages.clear()

    def store_decisions(self) -> None:
        """Write what was decided on alerts that are stored, so that it is found."""
        bulk.insert(self.decisions)
        self.decisions = []

    def store(self) -> None:
        """Write all."""
        self.flush(is_last=True)
        self.store_decisions()
        if self.signals:
            bulk.insert_rows(Signal, SIGNAL_COLUMNS, self.signals)
        self._tell_fired()
        timeline.append_records(self.facts)
        if self.closed:
            closing.tell_after_commit([pk for _, pk in self.closed])
            if not bulk.is_postgresql():
                forget_after_commit(self.closed)


def read(batches: Sequence[Batch]) -> Snapshot:
    """Read once what the stages need for all batches."""
    at = now()
    snapshot = _fresh(at)
    named = [[(signal, *identify(signal, batch.source.id)) for signal in batch.decoded.signals] for batch in batches]
    prints = {fingerprint for signals in named for _, fingerprint, _ in signals}
    snapshot.last_alert = 0 if bulk.is_postgresql() else open_prints.last
    if known := queries.firing_ids(prints, snapshot.last_alert):  # most of what comes here is new
        for chunk in _chunks(known):
            alerts = queries.alerts_by_id(chunk)
            snapshot.open_alerts |= {alert.fingerprint: alert for alert in alerts}
            for alert in alerts:
                alert.group = snapshot.open_groups.setdefault(alert.group.key, alert.group) or alert.group
    snapshot.seen = [
        [
            Seen(signal, fingerprint, identified, _place_if_new(signal, fingerprint, batch, snapshot))
            for signal, fingerprint, identified in signals
        ]
        for batch, signals in zip(batches, named, strict=True)
    ]
    _read_groups(snapshot)
    rules = snapshot.noise.inhibitions
    snapshot.causes = causes_of(
        rules,
        (
            (signal, name, batch.source.id)
            for batch, signals in zip(batches, named, strict=True)
            for signal, name, _ in signals
        ),
    )
    return snapshot


@dataclass
class _Kept(threading.local):
    """What the last commit of this thread knew: rules until one of them changes, open groups until anybody writes."""

    stamp: int | None = None
    mark: quiet.Mark | None = None
    rules: list[RouteRule] = field(default_factory=list)
    groups: dict[str, AlertGroup | None] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    policies: dict[int, Policy] = field(default_factory=dict)
    noise: Noise = field(default_factory=Noise)
    noise_at: datetime = NEVER
    heard: dict[int, datetime] = field(default_factory=dict)
    places: Places = field(default_factory=Places)


_kept = _Kept()


def _fresh(at: datetime) -> Snapshot:
    """Return a snapshot with the rules, and with the open groups of the last commit when nothing was written since."""
    stamp, mark = RULES.stamp(), _kept.mark
    are_good = stamp is not None and stamp == _kept.stamp
    groups = _kept.groups if are_good and mark is not None and mark == quiet.mark() else {}
    _kept.mark = _kept.stamp = None  # the stages change what they are given; it is kept again only by a commit
    if not are_good:
        rules = route_queries.routes()
        return Snapshot(at, rules, noise_queries.noise(at), noise_at=at, places=Places(rules), stamp=stamp)
    noise, age = _kept.noise, at - _kept.noise_at
    is_recent = not noise.flaps and (not noise.is_timed or timedelta(0) <= age < NOISE_KEPT)  # what flaps counts on
    return Snapshot(
        at,
        _kept.rules,
        _kept.noise if is_recent else noise_queries.noise(at),
        noise_at=_kept.noise_at if is_recent else at,
        open_groups=groups,
        plans=_kept.plans,
        policies=_kept.policies,
        heard=_kept.heard,
        places=_kept.places,
        stamp=stamp,
    )


def keep(snapshot: Snapshot) -> None:
    """Keep what a snapshot knows for the next one, when the transaction that ends now is on disk."""
    if snapshot.opened and not bulk.is_postgresql():
        follow_commit(snapshot.opened, before=snapshot.last_alert, given=snapshot.alert_keys.given)
    mark = quiet.mark()
    groups = snapshot.open_groups
    if not all(groups.values()):
        groups = {key: group for key, group in groups.items() if group}

    def kept() -> None:
        _kept.stamp = snapshot.stamp
        _kept.mark, _kept.groups = (mark, groups) if len(groups) <= MOST_KEPT else (None, {})
        _kept.rules, _kept.places = snapshot.rules, snapshot.places
        _kept.places.learn(snapshot.trails)
        _kept.noise, _kept.noise_at, _kept.heard = snapshot.noise, snapshot.noise_at, snapshot.heard
        _kept.plans, _kept.policies = snapshot.plans, snapshot.policies

    if snapshot.stamp is not None:
        transaction.on_commit(kept)


def _place_if_new(signal: RawSignal, fingerprint: str, batch: Batch, snapshot: Snapshot) -> Placed | None:
    if signal.status != "firing" or fingerprint in snapshot.open_alerts:
        return None
    return snapshot.places.of(signal.labels, batch.source.id, snapshot.at, fingerprint)


def _read_groups(snapshot: Snapshot) -> None:
    """Find the groups that new alerts may join, and count the rows that are coming."""
    new = {item.fingerprint: item.placed for seen in snapshot.seen for item in seen if item.placed}
    known = snapshot.open_groups
    wanted = {placed.key for placed in new.values() if placed.key not in known}
    for chunk in _chunks(queries.open_group_ids(wanted)):
        for group in queries.groups_by_id(chunk):
            group.policy = snapshot.policy(group.policy_id) if group.policy_id else None
            snapshot.open_groups[group.key] = group
    absent = {key for key in wanted if key not in known}
    snapshot.open_groups |= dict.fromkeys(absent)
    snapshot.alert_keys = Keys(Alert, len(new))
    snapshot.group_keys, snapshot.page_keys = Keys(AlertGroup, len(absent)), Keys(Page, len(absent))
    if absent:
        bulk.reserve_keys({Alert: len(new), AlertGroup: len(absent)})


def _chunks(items: Sequence[int]) -> Iterable[Sequence[int]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
