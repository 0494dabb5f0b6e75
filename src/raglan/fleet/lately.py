"""What changed here lately: beside alerts and in rooms, with what ties it to them, and with what differs."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from raglan.changes import queries
from raglan.changes.models import Change
from raglan.fleet.concern import NOTHING, Concern, ties
from raglan.fleet.watch_models import Arrival, Surprise

MOST_LOOKED = 2_000
IN_TIME = "Nothing known ties it to this, but the time."
NO_FURTHER = f"{IN_TIME} Only the newest {MOST_LOOKED:,} changes were looked through."


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
    if not concern:
        return _with_hosts(found.select_related("author", "expectation")[:most])
    looked = list(found.select_related(None).select_related("expectation").defer("links", "note")[: MOST_LOOKED + 1])
    has_more, why = len(looked) > MOST_LOOKED, ties(looked[:MOST_LOOKED], concern)
    chosen = sorted(looked[:MOST_LOOKED], key=lambda one: one.pk not in why)[:most]
    these = Change.objects.filter(pk__in=[one.pk for one in chosen]).select_related("author", "expectation")
    rows = {one.change.pk: one for one in _with_hosts(these)}
    found_none = NO_FURTHER if has_more else IN_TIME
    return [_tied(rows[one.pk], why.get(one.pk, ""), found_none) for one in chosen if one.pk in rows]


def _tied(one: Lately, why: str, found_none: str) -> Lately:
    return replace(one, why=f"{why[:1].upper()}{why[1:]}." if why else found_none, is_tied=bool(why))


def _with_hosts(changes: QuerySet[Change]) -> list[Lately]:
    """Read changes with what hosts show of them, in one query: a room has many panels."""
    newest = Surprise.objects.filter(change=OuterRef("pk")).order_by("-raised_at", "-pk").values("words")[:1]
    hosts = (
        Arrival.objects.filter(change=OuterRef("pk")).order_by().values("change").annotate(n=Count("pk")).values("n")
    )
    rows = changes.annotate(differs=Subquery(newest), hosts=Subquery(hosts))
    return [Lately(row, int(row.hosts or 0), str(row.differs or "")) for row in rows]
