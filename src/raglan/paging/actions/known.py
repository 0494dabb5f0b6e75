"""Who is meant by the targets of steps, and how each is reached: read once for many pages, and kept while it stands.

On SQLite it is kept for the next commits, too. What may change it is told by events; what changes by itself, a handoff,
has its time. PostgreSQL is asked each time.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial

from django.db import transaction

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import quiet
from raglan.paging import queries
from raglan.paging.actions.reaching import ways_to
from raglan.paging.plan import Target
from raglan.people.models import ContactMethod, Person

Ways = list[tuple[ContactMethod, int]]
OF_PEOPLE = ("person.", "contact.", "team.", "schedule.", "calendar.", "leave.")
KEPT = timedelta(seconds=5)  # the words that say why somebody is on call may be so old; who it is never


@dataclass(slots=True)
class Known:
    """What is read once for all pages of a batch."""

    at: datetime
    stamp: int | None = None
    _whom: dict[tuple[Target, ...], tuple[list[queries.Whom], datetime | None]] = field(default_factory=dict)
    _ways: dict[tuple[int, str], Ways] = field(default_factory=dict)

    def whom(self, targets: tuple[Target, ...]) -> list[queries.Whom]:
        """Return whom targets mean now."""
        found, until = self._whom.get(targets, (None, None))
        if found is None or (until is not None and until <= self.at):
            found, until = queries.whom_until(targets, self.at)
            self._whom[targets] = found, until
        return found

    def ways(self, person: Person, urgency: str) -> Ways:
        """Return how a person is reached, with the wait before each way in seconds."""
        if (person.id, urgency) not in self._ways:
            self._ways[person.id, urgency] = ways_to(person, urgency)
        return self._ways[person.id, urgency]

    def moved_to(self, at: datetime) -> "Known":
        """Return the same at a later moment."""
        return Known(at, self.stamp, self._whom, self._ways)


@cache
def _of_people() -> list[str]:
    return sorted(kind for kind in timeline.KINDS if kind.startswith(OF_PEOPLE))


_last: Known | None = None


def forget() -> None:
    """Know nothing of earlier commits, as after a start."""
    global _last  # noqa: PLW0603 -- one at a time, and each whole
    _last = None


def known_now() -> Known:
    """Return what is known, with that of the last commit while it stands. Inside a transaction that writes."""
    at, last = now(), _last
    fresh = last if last is not None and last.at <= at < last.at + KEPT else None
    newest, is_quiet = quiet.newest(_of_people(), since=fresh.stamp if fresh is not None else None)
    known = Known(at, newest)
    if fresh is not None and is_quiet:
        known = fresh.moved_to(at)
        kept = Known(fresh.at, newest, fresh._whom, fresh._ways)
    else:
        kept = known
    if newest is not None:
        transaction.on_commit(partial(_keep, kept))  # what is not on disk yet may be taken back
    return known


def _keep(known: Known) -> None:
    global _last  # noqa: PLW0603 -- as above
    _last = known
