"""Alerts that only count on a page nobody has yet: nearly all of a storm. They become rows at once, not models."""

from datetime import datetime

import msgspec

from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.pipeline.hold import Held
from raglan.alerts.placing import Placed
from raglan.alerts.ports import RawSignal
from raglan.core.db import bulk
from raglan.core.decisions import Decision
from raglan.paging.models import Page
from raglan.paging.plan import Urgency

COLUMNS = (
    *("id", "fingerprint", "dedup_key", "source_id", "group_id", "labels", "annotations", "title", "severity", "link"),
    *("state", "starts_at", "expires_at", "received_at", "last_seen_at", "signal_count", "held", "held_by"),
    *("active_since", "shared_trail", "trail"),
)
MOST_TITLE, MOST_SEVERITY = 300, 20
_encode = msgspec.json.Encoder().encode
_FIRING, _TRIGGERED, _LOW = str(Alert.State.FIRING), str(Page.State.TRIGGERED), str(Urgency.LOW)


class Seen(msgspec.Struct, frozen=True):
    """A signal with its fingerprint, and its place when it opens an alert."""

    signal: RawSignal
    fingerprint: str
    identified: Decision
    placed: Placed | None


class Fired(msgspec.Struct, frozen=True, gc=False):
    """What is told of an alert that fires, which is `events.FiredAlert`; a struct, because a storm makes so many."""

    alert: int
    group: int
    source: str
    source_id: int
    fingerprint: str
    dedup_key: str
    title: str
    severity: str
    labels: dict[str, str] | msgspec.Raw
    link: str
    starts_at: datetime
    received_at: datetime
    held: str = ""
    held_by: list[str] = []
    active_since: datetime | None = None
    waits_behind: int | None = None


class Joined(msgspec.Struct, frozen=True):
    """An alert of this transaction that is a row already, with what a model of it is made from."""

    id: int
    expires_at: datetime | None
    seen: Seen
    source_id: int
    group: AlertGroup
    received_at: datetime
    at: datetime
    trail: tuple[Decision, ...]

    def as_alert(self) -> Alert:
        """Return it as a model."""
        made = new_alert(self.seen, self.id, self.source_id, self.group, self.received_at, self.at)
        made.active_since, made.trail = self.at, list(self.trail)
        return made


def new_alert(seen: Seen, key: int, source_id: int, group: AlertGroup, received_at: datetime, at: datetime) -> Alert:
    """Return an alert that opens, as yet without what holds it back and what was decided on it."""
    signal = seen.signal
    return bulk.fresh(
        Alert,
        {"group": group},
        id=key,
        group_id=group.id,
        fingerprint=seen.fingerprint,
        dedup_key=signal.dedup_key,
        source_id=source_id,
        labels=signal.labels,
        annotations=signal.annotations,
        title=signal.title[:MOST_TITLE],
        severity=signal.severity[:MOST_SEVERITY],
        link=signal.link,
        starts_at=signal.starts_at or received_at,
        expires_at=signal.expires_at,
        received_at=received_at,
        last_seen_at=at,
    )


def page_to_join(group: AlertGroup) -> Page | None:
    """Return the page of a group that an alert joins whatever it is, without changing it; see `attend.attend`."""
    page: Page | None = group._state.fields_cache.get("page")  # by way of the model it takes ten times as long
    if page is None or page.state != _TRIGGERED or page.urgency == _LOW:
        return None
    return page


def row_of(
    seen: Seen,
    key: int,
    source: tuple[int, str],
    group_id: int,
    times: tuple[datetime, datetime],
    trail: tuple[int | None, str],
) -> tuple[bulk.Row, Fired]:
    """Return an alert that nothing holds back as a row, in the order of `COLUMNS`, and what is told of it.

    `source` is its id and its short name, `times` are those of its coming and of this transaction, `trail` is what was
    decided on it: the id of what it shares, and its own words.
    """
    signal, (source_id, slug), (received_at, at) = seen.signal, source, times
    labels = _encode(signal.labels)
    title, severity = signal.title[:MOST_TITLE], signal.severity[:MOST_SEVERITY]
    starts_at = signal.starts_at or received_at
    now = bulk.stamp(at)
    row = (
        key,
        seen.fingerprint,
        signal.dedup_key,
        source_id,
        group_id,
        labels.decode(),
        _encode(signal.annotations).decode(),
        title,
        severity,
        signal.link,
        _FIRING,
        bulk.stamp(starts_at),
        bulk.stamp(signal.expires_at),
        bulk.stamp(received_at),
        now,
        1,
        "",
        "[]",
        now,
        *trail,
    )
    fired = Fired(
        key,
        group_id,
        slug,
        source_id,
        seen.fingerprint,
        signal.dedup_key,
        title,
        severity,
        msgspec.Raw(labels),
        signal.link,
        starts_at,
        received_at,
        active_since=at,
    )
    return row, fired


def trail_of(seen: Seen, new: Decision, placed: Placed, held: Held, joins: Decision) -> tuple[Decision, ...]:
    """Return all that was decided on an alert as it opened, in order."""
    return (seen.identified, new, placed.routed, placed.grouped, *held.decisions, joins)
