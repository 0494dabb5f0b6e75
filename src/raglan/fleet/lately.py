"""What changed here lately: beside alerts and in rooms, with what is under way and what differs."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from raglan.changes import queries
from raglan.changes.models import Change
from raglan.fleet.watch_models import Arrival, Surprise


@dataclass(frozen=True, slots=True)
class Lately:
    """A change, how many hosts have it, and the newest way in which it differs from what was said."""

    change: Change
    hosts: int
    differs: str


def around(at: datetime) -> list[Lately]:
    """Return what changed in the day before a moment and shortly after it, the newest first."""
    return _with_hosts(queries.around(at))


def since(start: datetime, until: datetime, *, most: int = queries.SHOWN) -> list[Lately]:
    """Return what changed from a day before a time on, and what is under way; what differs comes first."""
    happened = Q(at__gt=start - queries.BEFORE, at__lt=until) & ~Q(state=Change.State.PROPOSED)
    found = queries.changes().filter(happened | Q(state=Change.State.UNDER_WAY)).select_related("author")[:most]
    return sorted(_with_hosts(found), key=lambda one: not one.differs)


def _with_hosts(changes: QuerySet[Change]) -> list[Lately]:
    """Read changes with what hosts show of them, in one query: a room has many panels."""
    newest = Surprise.objects.filter(change=OuterRef("pk")).order_by("-raised_at", "-pk").values("words")[:1]
    hosts = (
        Arrival.objects.filter(change=OuterRef("pk")).order_by().values("change").annotate(n=Count("pk")).values("n")
    )
    rows = changes.annotate(differs=Subquery(newest), hosts=Subquery(hosts))
    return [Lately(row, int(row.hosts or 0), str(row.differs or "")) for row in rows]
