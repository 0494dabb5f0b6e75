"""What a source may read: its own alerts, and nothing of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Concat

from raglan.alerts import queries
from raglan.alerts.models import Alert
from raglan.alerts.pipeline import identify
from raglan.alerts.ports import RawSignal
from raglan.paging.models import Page


@dataclass(frozen=True, slots=True)
class OwnAlert:
    """An alert as its source may see it."""

    id: int
    source_id: int
    key: str
    title: str
    is_open: bool
    is_acknowledged: bool
    acknowledged_by: str
    snoozed_until: datetime | None
    labels: dict[str, str]
    annotations: dict[str, str]
    signal_count: int
    received_at: datetime
    last_seen_at: datetime


def by_key(source_id: int, key: str) -> OwnAlert | None:
    """Return the newest alert of a source with this key of its own."""
    found = _alerts(source_id).filter(pk__in=queries.newest_of([_print(source_id, key)])).first() if key else None
    return _own(found) if found else None


@dataclass(frozen=True, slots=True)
class OpenKey:
    """The key of an alert that is open, its title and its description, which may be empty."""

    key: str
    title: str
    text: str


def open_keys(source_id: int, *, most: int = 500) -> Sequence[OpenKey]:
    """Return the keys of what is open of a source, the newest first."""
    found = Alert.objects.filter(source_id=source_id, state=Alert.State.FIRING).order_by("-pk")
    rows = found.values_list("dedup_key", "title", KT("annotations__description"))[:most]
    return [OpenKey(key, title, text or "") for key, title, text in rows]


def by_id(source_id: int, text: str) -> OwnAlert | None:
    """Return an alert of a source by its number, written as text."""
    is_number = text.isdecimal() and len(text) < 19
    found = _alerts(source_id).filter(pk=int(text)).first() if is_number else None
    return _own(found) if found else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts of a source are asked for; what is empty takes all.

    `key` takes the newest alert with this key. `labels` are names and values that a label has, or that stand in it
    between commas.
    """

    state: str = ""
    search: str = ""
    key: str = ""
    labels: tuple[tuple[str, str], ...] = ()


def listed(source_id: int, wanted: Wanted, *, start: int = 0, most: int = 100) -> Sequence[OwnAlert]:
    """Return alerts of a source, the newest first."""
    return [_own(alert) for alert in _wanted(source_id, wanted).order_by("-pk")[start : start + most]]


def count(source_id: int, wanted: Wanted) -> int:
    """Return how many alerts of a source there are."""
    return _wanted(source_id, wanted).count()


def _wanted(source_id: int, wanted: Wanted) -> QuerySet[Alert]:
    found = _alerts(source_id)
    if wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.key:
        found = found.filter(pk__in=queries.newest_of([_print(source_id, wanted.key)]))
    for place, (name, value) in enumerate(wanted.labels):
        said = Concat(Value(","), KT(f"labels__{name}"), Value(","), output_field=TextField())
        found = found.annotate(**{f"said_{place}": said}).filter(**{f"said_{place}__contains": f",{value},"})
    return found.filter(title__icontains=wanted.search) if wanted.search else found


def _print(source_id: int, key: str) -> str:
    return identify(RawSignal("firing", {}, {}, "", dedup_key=key), source_id)[0]


def _alerts(source_id: int) -> QuerySet[Alert]:
    return Alert.objects.filter(source_id=source_id).select_related("group__page__acknowledged_by")


def _own(alert: Alert) -> OwnAlert:
    page = alert.group.page
    is_open = alert.state == Alert.State.FIRING
    has_it = page.acknowledged_by if page else None
    return OwnAlert(
        id=alert.pk,
        source_id=alert.source_id,
        key=alert.dedup_key,
        title=alert.title,
        is_open=is_open,
        is_acknowledged=bool(is_open and page and page.state == Page.State.ACKNOWLEDGED),
        acknowledged_by=has_it.name if has_it else "",
        snoozed_until=page.snoozed_until if page and is_open else None,
        labels=alert.labels,
        annotations=alert.annotations,
        signal_count=alert.signal_count,
        received_at=alert.received_at,
        last_seen_at=alert.last_seen_at,
    )
