"""Reads of tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from raglan.core.errors import NotFound
from raglan.incidents import queries
from raglan.incidents.models import Incident, Task

STAND = 5
MOST = 200
ENDED = 50


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a room as it shows them: some that stand, more to unfold, and what is over.

    With very many, those up to number `seen` of them are shown, and `unseen` come after these.
    """

    stand: Sequence[Task]
    more: Sequence[Task]
    ended: Sequence[Task]
    ended_count: int
    open_count: int
    seen: int
    at: datetime

    @property
    def more_count(self) -> int:
        """How many are open beside those that stand."""
        return self.open_count - len(self.stand)

    @property
    def unseen(self) -> int:
        """How many are open and not shown here: they come later."""
        return max(0, self.open_count - self.seen)


def tasks(incident: Incident, *, state: str = "") -> QuerySet[Task]:
    """Tasks of a room in the order in which they were written down."""
    found = Task.objects.filter(incident=incident).select_related("owner", "made_by", "ended_by", "incident")
    return (found.filter(state=state) if state else found).order_by("pk")


def open_tasks(incident: Incident) -> QuerySet[Task]:
    """Open tasks: what is due first comes first, then the oldest."""
    return tasks(incident, state=Task.State.OPEN).order_by(F("due_at").asc(nulls_last=True), "pk")


def in_room(incident: Incident, at: datetime, skip: int = 0) -> Tasks:
    """Return the tasks of a room as it shows them; with very many, those after the first `skip` open ones."""
    found = list(open_tasks(incident)[skip : skip + MOST])
    is_last = len(found) < MOST and (found or not skip)
    open_count = skip + len(found) if is_last else open_tasks(incident).count()
    ended = tasks(incident).exclude(state=Task.State.OPEN).order_by("-ended_at", "-pk")
    shown = list(ended[:ENDED])
    count = len(shown) if len(shown) < ENDED else ended.count()
    stand = 0 if skip else STAND
    return Tasks(found[: stand or MOST], found[stand or MOST :], shown, count, open_count, skip + len(found), at)


def task(pk: int) -> Task:
    """Return a task of a room that can be read. Raises NotFound."""
    found = Task.objects.select_related("owner", "made_by", "ended_by").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such task.")
    found.incident = queries.incident(found.incident_id)
    return found
