"""Reads of sources, alerts and groups."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Prefetch, Q, QuerySet

from raglan.alerts.events import AlertNoted
from raglan.alerts.models import (
    Alert,
    AlertGroup,
    Bundle,
    Source,
    StageDecision,
    Storm,
)
from raglan.alerts.open_prints import open_prints
from raglan.alerts.ports import SourceKey
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import Prepared, bulk
from raglan.core.errors import NotFound, NotSignedIn
from raglan.core.models import Event
from raglan.core.secrets import digest
from raglan.paging.models import Page
from raglan.people.sealing import unseal

NOTES = 100
FEW = 8  # rows that SQLite reads sooner one by one, with a statement that is kept, than together with one made for them


def source_by_token(token: str) -> SourceKey:
    """Return the source of a token. Raises NotSignedIn: unknown and switched-off tokens are answered alike."""
    source = _source_of(digest(token)) if token else None
    if source is None or source.disabled_at is not None:
        raise NotSignedIn("This token is not known here. Copy the line from Setup, Sources.")
    return source_key(source)


def source_by_id(source_id: int) -> SourceKey:
    """Return a source, switched off or not. Raises NotFound."""
    source = Source.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound("There is no such source any more.")
    return source_key(source)


def _source_of(hashed: str) -> Source | None:
    """Return the source of a token, or of the one before it while that is still good."""
    found = Source.objects.filter(token_digest=hashed).first()
    return found or Source.objects.filter(previous_digest=hashed, previous_ends_at__gt=now()).first()


def source_key(source: Source) -> SourceKey:
    """Return a source as doors and the journal see it."""
    secret = unseal(source.secret_sealed) if source.secret_sealed else ""
    return SourceKey(source.pk, source.slug, source.kind, source.mapping, secret)


def firing_ids(fingerprints: Collection[str], last: int | None = None) -> list[int]:
    """Return the ids of the alerts that fire and have one of these fingerprints.

    `last` is the last id that was given to an alert, where that is known on SQLite.
    """
    if bulk.is_postgresql():
        index = "one_open_alert_a_fingerprint"
        return bulk.find_keys(Alert, "fingerprint", fingerprints, index=index, where="state = 'firing'")
    maybe = open_prints.find(fingerprints, last)
    return bulk.keys_where(Alert, maybe, "state = 'firing'") if maybe else []


def opened_since(fingerprints: Collection[str], since: datetime) -> list[int]:
    """Return the ids of the alerts with one of these fingerprints that opened after a time and are over."""
    where, given = '"state" = \'resolved\' AND "received_at" > %s', [bulk.stamp(since)]
    return bulk.find_keys(Alert, "fingerprint", fingerprints, index="alert_episodes", where=where, given=given)


def open_group_ids(keys: Collection[str]) -> list[int]:
    """Return the ids of the open groups with one of these keys."""
    return bulk.find_keys(AlertGroup, "key", keys, index="one_open_group_a_key", where="state = 'open'")


_WITH_GROUP = ("group", "group__policy", "group__page__acknowledged_by")
_alert_by_id = Prepared(lambda pk: Alert.objects.select_related(*_WITH_GROUP).filter(pk=pk))
_group_by_id = Prepared(lambda pk: AlertGroup.objects.select_related("page__acknowledged_by").filter(pk=pk))


def _one_by_one(ids: Sequence[int]) -> bool:
    """Say whether rows are read sooner each by itself: to PostgreSQL each question is a way of its own."""
    return len(ids) <= (1 if bulk.is_postgresql() else FEW)


def alerts_by_id(ids: Sequence[int]) -> list[Alert]:
    """Return some alerts with all that the pipeline looks at."""
    if _one_by_one(ids):
        return [alert for pk in ids for alert in _alert_by_id(pk)]
    return list(Alert.objects.select_related(*_WITH_GROUP).filter(pk__in=ids))


def groups_by_id(ids: Sequence[int]) -> list[AlertGroup]:
    """Return some groups with their pages, and who has those."""
    if _one_by_one(ids):
        return [group for pk in ids for group in _group_by_id(pk)]
    return list(AlertGroup.objects.select_related("page__acknowledged_by").filter(pk__in=ids))


def groups(*, state: str = "", search: str = "") -> QuerySet[AlertGroup]:
    """Groups, open ones first, then the newest."""
    related = ("source", "page", "page__acknowledged_by", "joined_incident__incident")
    found = AlertGroup.objects.select_related(*related).order_by("-state", "-pk")
    if state:
        found = found.filter(state=state)
    if search:
        found = found.filter(Q(title__icontains=search) | Q(source__name__icontains=search))
    return found


def open_groups() -> QuerySet[AlertGroup]:
    """Groups with something firing, newest first."""
    return groups(state=AlertGroup.State.OPEN)


def alert_with_decisions(pk: int) -> Alert | None:
    """Return an alert with all that was decided on it, in order."""
    decisions = Prefetch("decisions", StageDecision.objects.order_by("pk"))
    found = Alert.objects.select_related("group", "source", "group__page").prefetch_related(decisions)
    return found.filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody, or its source, said about an alert."""

    at: datetime
    by: str
    text: str


def notes(alert: Alert) -> list[Note]:
    """Return what was said about an alert, oldest first."""
    said = Event.objects.filter(subjects__subject=timeline.ref(alert), kind=AlertNoted.kind).order_by("-pk")[:NOTES]
    return [Note(event.at, str(event.data["by"]), str(event.data["text"])) for event in reversed(said)]


def earlier_episodes(alert: Alert) -> QuerySet[Alert]:
    """The last times that the same condition fired before, newest first."""
    known = last_episodes(alert.fingerprint, before=alert.pk, most=5)
    return Alert.objects.filter(pk__in=known).order_by("-received_at", "-pk")


def newest_of(fingerprints: Collection[str]) -> list[int]:
    """Return the ids of the newest alerts of some conditions, whether they fire or are over."""
    firing = firing_ids(fingerprints)
    known = set(Alert.objects.filter(pk__in=firing).values_list("fingerprint", flat=True))
    return [*firing, *(pk for name in fingerprints if name not in known for pk in last_episodes(name))]


def last_episodes(fingerprint: str, *, before: int = bulk.NO_KEY, most: int = 1) -> list[int]:
    """Return the ids of the last alerts of a condition that are over, of those before an id."""
    where = "fingerprint = %s AND state = 'resolved' AND id < %s ORDER BY received_at DESC"
    return bulk.first_keys(Alert, index="alert_episodes", where=where, given=[fingerprint, before], most=most)


def alerts_of(group: AlertGroup) -> QuerySet[Alert]:
    """The alerts of a group, firing ones first."""
    return group.alerts.select_related("source").order_by("state", "-pk")


def sources() -> QuerySet[Source]:
    """All sources with counts of what they sent in the last day."""
    day = now() - timedelta(days=1)
    return Source.objects.annotate(
        lately=Count("signals", filter=Q(signals__received_at__gte=day)),
        parked=Count("signals", filter=Q(signals__received_at__gte=day, signals__status="parked")),
    ).order_by("name")


def storm(pk: int) -> tuple[Storm, QuerySet[AlertGroup]]:
    """Return a policy's storm with the groups that its latest page took. Raises NotFound."""
    found = Storm.objects.select_related("policy", "page").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such storm.")
    latest = Page.objects.filter(reason_type="storm", reason_id=pk).order_by("-pk").values_list("pk", flat=True)[:1]
    pages = list(latest)
    bundled = Bundle.objects.filter(page_id__in=pages).values("group_id")
    return found, groups().filter(Q(page_id__in=pages) | Q(pk__in=bundled))
