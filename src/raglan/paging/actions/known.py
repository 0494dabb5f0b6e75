"""Who is meant by the targets of steps, and how each is reached: read once for many pages, and kept while it stands.

On SQLite it is kept for the next commits, too. What may change it is told by events; what changes by itself, a handoff,
has its time. PostgreSQL is asked each time.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from raglan.core.clock import now
from raglan.core.standing import Matter
from raglan.paging import queries
from raglan.paging.actions.reaching import ways_to
from raglan.paging.plan import Target
from raglan.people.models import ContactMethod, Person

Ways = list[tuple[ContactMethod, int]]
PEOPLE = Matter("person.", "contact.", "team.", "schedule.", "calendar.", "leave.")
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


_last: Known | None = None


def forget() -> None:
    """Know nothing of earlier commits, as after a start."""
    global _last  # noqa: PLW0603 -- one at a time, and each whole
    _last = None


def known_now() -> Known:
    """Return what is known, with that of the last commit while it stands. Inside a transaction that writes."""
    at, last, stamp = now(), _last, PEOPLE.stamp()
    if last is not None and stamp is not None and last.stamp == stamp and last.at <= at < last.at + KEPT:
        return last.moved_to(at)
    known = Known(at, stamp)
    if stamp is not None:
        transaction.on_commit(partial(_keep, known))  # what is not on disk yet may be taken back
    return known


def _keep(known: Known) -> None:
    global _last  # noqa: PLW0603 -- as above
    _last = known
