"""Kinds of events that alerts append."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class AlertFired(EventPayload):
    """A condition began to hold. Repeats are counted on its row and not told."""

    kind = "alert.fired"
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


class GroupClosed(EventPayload):
    """The last firing alert of a group resolved."""

    kind = "group.closed"
    group: int
    title: str
    alerts: int
    closed_at: datetime


class SourceChanged(EventPayload):
    """A source was made, changed, or got a new token. The token is not told."""

    kind = "source.changed"
    source: int
    slug: str
    what: str
    name: str
    source_kind: str
    mapping: dict[str, object]
    token_hint: str
    created_at: datetime


class RouteChanged(EventPayload):
    """A route was made or changed."""

    kind = "route.changed"
    route: int
    position: int
    version: int
    matchers: list[dict[str, str]]
    group_by: list[str]
    policy: int


class SignalParked(EventPayload):
    """A message could not be understood; it is kept and its source shows it."""

    kind = "signal.parked"
    source: str
    problem: str
