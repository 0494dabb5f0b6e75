"""What changed here lately: beside alerts and in rooms, with what ties it to them, and with what differs."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from raglan.changes import queries
from raglan.changes.models import Change
from raglan.fleet.concern import NOTHING, Concern, ties
from raglan.fleet.watch_models import Arrival, Surprise

MOST_LOOKED = 100
IN_TIME = "Nothing known ties it to this, but the time."


@dataclass(frozen=True, slots=True)
class Lately:
    """A change, how many hosts have it, and the newest way in which it differs from what was said.

    `why` says what ties it to what was asked about; it is empty where nothing was asked about.
    """

    change: Change
    hosts: int
    differs: str
    why: str = ""
    is_tied: bool = False


def around(at: datetime, concern: Concern = NOTHING) -> list[Lately]:
    """Return what changed in the day before a moment and shortly after it: first what is tied to a concern."""
    return _shown(queries.around(at), concern, queries.SHOWN)


def since(start: datetime, until: datetime, concern: Concern = NOTHING, *, most: int = queries.SHOWN) -> list[Lately]:
    """Return what changed from a day before a time on, and what is under way; what is tied and what differs first."""
    happened = queries.happened(start - queries.BEFORE, until, or_else=Q(state=Change.State.UNDER_WAY))
    return sorted(_shown(happened, concern, most), key=lambda one: (not one.is_tied, not one.differs))


def _shown(found: QuerySet[Change], concern: Concern, most: int) -> list[Lately]:
    """Choose what is shown, the newest first among what is tied, then among the others."""
    rows = _with_hosts(found.select_related("author", "expectation")[: MOST_LOOKED if concern else most])
    if not concern:
        return rows
    why = ties([one.change for one in rows], concern)
    told = [_tied(one, why.get(one.change.pk, "")) for one in rows]
    return sorted(told, key=lambda one: not one.is_tied)[:most]


def _tied(one: Lately, why: str) -> Lately:
    return replace(one, why=f"{why[:1].upper()}{why[1:]}." if why else IN_TIME, is_tied=bool(why))


def _with_hosts(changes: QuerySet[Change]) -> list[Lately]:
    """Read changes with what hosts show of them, in one query: a room has many panels."""
    newest = Surprise.objects.filter(change=OuterRef("pk")).order_by("-raised_at", "-pk").values("words")[:1]
    hosts = (
        Arrival.objects.filter(change=OuterRef("pk")).order_by().values("change").annotate(n=Count("pk")).values("n")
    )
    rows = changes.annotate(differs=Subquery(newest), hosts=Subquery(hosts))
    return [Lately(row, int(row.hosts or 0), str(row.differs or "")) for row in rows]
