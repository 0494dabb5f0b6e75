"""What changed here lately: beside alerts and in rooms, with what is under way and what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from raglan.changes import queries
from raglan.changes.models import Change
from raglan.fleet.progress import Counts, summaries
from raglan.fleet.watch_models import Surprise


@dataclass(frozen=True, slots=True)
class Lately:
    """A change, the hosts that have it, and the newest way in which it differs from what was said."""

    change: Change
    counts: Counts
    surprise: Surprise | None


def around(at: datetime) -> list[Lately]:
    """Return what changed in the day before a moment and shortly after it, the newest first."""
    return _with_hosts(queries.around(at))


def since(start: datetime, until: datetime, *, most: int = queries.SHOWN) -> list[Lately]:
    """Return what changed from a day before a time on, and what is under way; what differs comes first."""
    happened = Q(at__gt=start - queries.BEFORE, at__lt=until) & ~Q(state=Change.State.PROPOSED)
    going = Q(state=Change.State.UNDER_WAY)
    found = queries.changes().filter(happened | going).select_related("author")[:most]
    return sorted(_with_hosts(list(found)), key=lambda one: one.surprise is None)


def _with_hosts(changes: Sequence[Change]) -> list[Lately]:
    found = summaries(changes) if changes else {}
    return [Lately(change, found[change.pk].counts, found[change.pk].surprise) for change in changes]
