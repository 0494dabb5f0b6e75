"""What got better on the hosts that took a change: services that had failed before it, and are well since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Count, Exists, OuterRef, QuerySet

from raglan.changes.models import Change
from raglan.fleet.judging import BAD_STATES, NOT_WELL
from raglan.fleet.models import UnitTurn

T = TypeVar("T")
MOST_UNITS = 500


@dataclass(frozen=True, slots=True)
class Units(Generic[T]):
    """Units that are told, and how many more there are."""

    told: list[T]
    more: int = 0


@dataclass(frozen=True, slots=True)
class CameBack:
    """A unit that had failed before a change came, and on how many hosts it is well since."""

    name: str
    hosts: int


def came_back(change: Change, until: datetime) -> Units[CameBack]:
    """Return units whose first turn since a change began is from failed to well, those on most hosts first.

    One that fails with the change and is mended is no gain; it stands beside what failed.
    """
    if change.started_at is None:
        return Units([])
    since = UnitTurn.objects.filter(at__gte=change.started_at, at__lt=until)
    failed_since = since.filter(
        host=OuterRef("host"), name=OuterRef("name"), at__lt=OuterRef("at"), state__in=sorted(BAD_STATES)
    )
    mended = since.filter(host__arrivals__change=change, was__in=sorted(BAD_STATES))
    mended = mended.exclude(state__in=sorted(NOT_WELL)).filter(~Exists(failed_since))
    counted = mended.values("name").annotate(hosts=Count("host", distinct=True)).order_by("-hosts", "name")
    found, more = first(counted)
    return Units([CameBack(row["name"], row["hosts"]) for row in found], more)


def first(rows: QuerySet[Any, T]) -> tuple[list[T], int]:
    """Return the first of many rows, one for each unit, and how many more there are."""
    found = list(rows[:MOST_UNITS])
    return found, rows.count() - len(found) if len(found) == MOST_UNITS else 0
