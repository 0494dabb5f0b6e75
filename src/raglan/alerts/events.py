"""Kinds of events that alerts append."""

from datetime import date, datetime, time
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from raglan.core.timeline import EventPayload


class FiredAlert(BaseModel):
    """One condition that began to hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    alert: int
    group: int
    source: str
    source_id: int
    fingerprint: str
    dedup_key: str
    title: str
    severity: str
    labels: dict[str, str]
    link: str
    starts_at: datetime
    received_at: datetime
    held: str = ""
    held_by: list[str] = []
    active_since: datetime | None = None
    waits_behind: int | None = None


class AlertsFired(EventPayload):
    """Conditions began to hold, some at once; `names` are their groups. Repeats are counted on rows and not told."""

    kind = "alerts.fired"
    has_names: ClassVar[bool] = True
    alerts: list[FiredAlert]
    names: list[str]


class AlertResolved(EventPayload):
    """A condition holds no longer, or was not heard of any more."""

    kind = "alert.resolved"
    alert: int
    group: int
    title: str
    why: str
    ends_at: datetime


class GroupOpened(EventPayload):
    """The first alert of a group fired; it was routed."""

    kind = "group.opened"
    group: int
    key: str
    title: str
    severity: str
    labels: dict[str, str]
    source_id: int
    outcome: str
    page: int | None
    opened_at: datetime
    policy: int | None = None
    interval_s: int = 300
    page_at: datetime | None = None
    also: list[int] = []
    urgencies: dict[str, str] | None = None


class AlertFlaps(EventPayload):
    """An alert opens and ends again and again: it began to, or has opened or ended once more."""

    kind = "alert.flaps"
    flap: int
    alert: int
    fingerprint: str
    source_id: int
    route: int | None
    title: str
    rule: str
    changes: int
    first_at: datetime
    began_at: datetime
    last_at: datetime
    quiet_s: int
    open_s: int
    page: int | None
    paged_at: datetime | None


class AlertSteady(EventPayload):
    """An alert does not flap any more."""

    kind = "alert.steady"
    flap: int
    title: str
    why: str
    ended_at: datetime


class AlertHeld(EventPayload):
    """Something holds a firing alert back, or something else does now."""

    kind = "alert.held"
    alert: int
    group: int
    title: str
    held: str
    held_by: list[str]
    why: str


class AlertReleased(EventPayload):
    """Nothing holds a firing alert back any more."""

    kind = "alert.released"
    alert: int
    group: int
    title: str
    why: str
    active_since: datetime
    waits_behind: int | None = None


class GroupWaits(EventPayload):
    """A group pages later: at the end of its wait, or of the interval after its last page."""

    kind = "group.waits"
    group: int
    page_at: datetime


class GroupPaged(EventPayload):
    """A group that was open already got a page."""

    kind = "group.paged"
    group: int
    page: int | None
    why: str


class GroupBundled(EventPayload):
    """The page of a storm took a group for a policy of a route behind its first; or it has a page of its own again."""

    kind = "group.bundled"
    group: int
    policy: int
    page: int | None


class GroupClosed(EventPayload):
    """The last firing alert of a group resolved."""

    kind = "group.closed"
    group: int
    title: str
    alerts: int
    closed_at: datetime


class SourceChanged(EventPayload):
    """A source was made, changed, switched, or got a new token. Neither token nor secret is told."""

    kind = "source.changed"
    source: int
    slug: str
    what: str
    name: str
    source_kind: str
    mapping: dict[str, object]
    token_hint: str
    created_at: datetime
    disabled_at: datetime | None = None
    noisy_since: datetime | None = None
    previous_ends_at: datetime | None = None
    flapping: dict[str, int] | None = None


class AlertNoted(EventPayload):
    """Somebody or its source said something about an alert."""

    kind = "alert.noted"
    alert: int
    by: str
    text: str


class HeartbeatChanged(EventPayload):
    """A heartbeat was made or changed by hand."""

    kind = "heartbeat.changed"
    heartbeat: int
    what: str
    source: int
    name: str
    slug: str
    period_s: int
    grace_s: int
    state: str
    created_at: datetime


class HeartbeatMissed(EventPayload):
    """A heartbeat did not come in time, or said itself that it failed."""

    kind = "heartbeat.missed"
    heartbeat: int
    why: str
    at: datetime


class HeartbeatCame(EventPayload):
    """The first beat came, or one came again. Those between are counted on the row and not told."""

    kind = "heartbeat.came"
    heartbeat: int
    at: datetime


class RouteChanged(EventPayload):
    """A route was made or changed."""

    kind = "route.changed"
    route: int
    position: int
    version: int
    matchers: list[dict[str, str]]
    group_by: list[str]
    policy: int
    parent: int | None = None
    wait_s: int = 0
    interval_s: int = 300
    goes_on: bool = False
    hours: list[str] = []
    zone: str = "UTC"
    flapping: dict[str, int] | None = None
    urgency: str = ""


class RoutesMoved(EventPayload):
    """Two routes changed places."""

    kind = "route.moved"
    positions: dict[int, int]


class RouteRemoved(EventPayload):
    """A route was taken out of the table; what it was stands in the events of its making."""

    kind = "route.removed"
    route: int
    position: int
    version: int


class InhibitionChanged(EventPayload):
    """An inhibition was made or changed."""

    kind = "inhibition.changed"
    inhibition: int
    name: str
    source_matchers: list[dict[str, str]]
    target_matchers: list[dict[str, str]]
    equal: list[str]
    same_source: bool = False
    version: int
    created_at: datetime


class InhibitionRemoved(EventPayload):
    """An inhibition holds nothing back any more."""

    kind = "inhibition.removed"
    inhibition: int
    removed_at: datetime


class SignalParked(EventPayload):
    """A message could not be understood; it is kept and its source shows it."""

    kind = "signal.parked"
    source: str
    problem: str


class SilenceSet(EventPayload):
    """A silence was set."""

    kind = "silence.set"
    silence: int
    key: str
    version: int
    matchers: list[dict[str, str]]
    starts_at: datetime
    ends_at: datetime
    reason: str
    who: str
    person: int | None
    source_id: int | None
    created_at: datetime
    updated_at: datetime


class SilenceChanged(SilenceSet):
    """A silence got other matchers, another time or another reason."""

    kind = "silence.changed"


class SilenceExpired(EventPayload):
    """A silence was ended before its time."""

    kind = "silence.expired"
    silence: int
    version: int
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime


class MaintenanceChanged(EventPayload):
    """A maintenance window was planned or changed."""

    kind = "maintenance.changed"
    maintenance: int
    name: str
    matchers: list[dict[str, str]]
    zone: str
    first: date
    start: time
    minutes: int
    days: list[int]
    last: date | None
    reason: str
    who: str
    person: int | None
    version: int
    created_at: datetime


class MaintenanceEnded(EventPayload):
    """A maintenance window was ended, with all that would follow."""

    kind = "maintenance.ended"
    maintenance: int
    ended_at: datetime


class StormBegan(EventPayload):
    """Too many groups would page a policy within a minute; one page takes the rest. How many is counted, not told."""

    kind = "storm.began"
    storm: int
    policy: int
    page: int
    began_at: datetime


class StormEnded(EventPayload):
    """The page of a storm takes no more: what comes pages by itself again. It is told when the next group comes."""

    kind = "storm.ended"
    storm: int
    ended_at: datetime
