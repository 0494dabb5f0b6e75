"""Alerts that opened, or ended, after a change began: first those that something ties to it, the earliest first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from raglan.alerts.models import Alert, AlertGroup
from raglan.changes.models import Change
from raglan.fleet.concern import Concern, of_labels
from raglan.fleet.near import near

MOST_LOOKED = 500
MOST_ALERTS = 2_000
OPEN_BEFORE = timedelta(days=14)  # an alert that is older than this and ends now is nobody's doing


@dataclass(frozen=True, slots=True)
class Near:
    """A group of alerts, and what ties it to the change; empty where that is the time alone."""

    group: AlertGroup
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Groups of alerts that were looked at, and how many more there are: later ones, whatever ties them to it."""

    told: list[Near] = field(default_factory=list)
    more: int = 0


def opened(change: Change, until: datetime) -> Alerts:
    """Return alert groups that opened since it began; after it, which is not to say because of it."""
    if change.started_at is None:
        return Alerts()
    found = AlertGroup.objects.filter(opened_at__gte=change.started_at, opened_at__lt=until)
    return _sorted(change, found.order_by("opened_at", "pk"))


def ended(change: Change, until: datetime) -> Alerts:
    """Return alert groups that were open when it began, and ended since."""
    begun = change.started_at
    if begun is None:
        return Alerts()
    over = AlertGroup.objects.filter(state=AlertGroup.State.CLOSED, opened_at__lt=begun)
    since = over.filter(opened_at__gt=begun - OPEN_BEFORE, closed_at__gte=begun, closed_at__lt=until)
    return _sorted(change, since.order_by("closed_at", "pk"))


def _sorted(change: Change, found: QuerySet[AlertGroup]) -> Alerts:
    groups = list(found.select_related("source")[:MOST_LOOKED])
    why = near(change, _concerns(groups)) if groups else {}
    told = [Near(group, _sentence(why.get(group.pk, ""))) for group in groups]
    more = found.count() - len(groups) if len(groups) == MOST_LOOKED else 0
    return Alerts(sorted(told, key=lambda one: not one.why), max(more, 0))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _concerns(groups: list[AlertGroup]) -> dict[int, Concern]:
    """Return what groups and their newest alerts name."""
    found = {group.pk: of_labels(group.labels) for group in groups}
    rows = Alert.objects.filter(group__in=groups).order_by("-pk").values_list("group", "labels")
    for group, labels in rows[:MOST_ALERTS]:
        found[group] |= of_labels(labels)
    return found
