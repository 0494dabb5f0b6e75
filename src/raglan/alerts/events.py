"""Kinds of events that alerts append."""

from raglan.core.timeline import EventPayload


class AlertFired(EventPayload):
    """A condition began to hold."""

    kind = "alert.fired"
    title: str
    severity: str
    source: str
    group: int


class AlertResolved(EventPayload):
    """A condition holds no longer, or was not heard of any more."""

    kind = "alert.resolved"
    title: str
    why: str
    group: int


class GroupOpened(EventPayload):
    """The first alert of a group fired; it was routed."""

    kind = "group.opened"
    title: str
    severity: str
    outcome: str
    page: int | None


class GroupClosed(EventPayload):
    """The last firing alert of a group resolved."""

    kind = "group.closed"
    title: str
    alerts: int


class SourceChanged(EventPayload):
    """A source was made, changed, or got a new token."""

    kind = "source.changed"
    slug: str
    what: str


class RouteChanged(EventPayload):
    """A route was made or changed."""

    kind = "route.changed"
    position: int
    version: int


class SignalParked(EventPayload):
    """A message could not be understood; it is kept and its source shows it."""

    kind = "signal.parked"
    source: str
    problem: str
