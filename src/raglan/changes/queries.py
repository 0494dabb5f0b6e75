"""Reads of changes."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from raglan.changes.grouping import Group
from raglan.changes.models import OPEN, Change, ChangePackage, PsaNote
from raglan.core.clock import now
from raglan.core.errors import NotFound

BEFORE = timedelta(hours=24)
AFTER = timedelta(minutes=15)
SHOWN = 10
ALIKE = 5


def changes() -> QuerySet[Change]:
    """All changes, the newest first."""
    return Change.objects.order_by("-at", "-pk")


def change(pk: int) -> Change:
    """Return a change with its author, expectation and packages. Raises NotFound."""
    found = (
        Change.objects.select_related("author", "expectation")
        .prefetch_related("packages", "groups")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise NotFound("There is no such change.")
    return found


def groups_of(found: Change) -> list[Group]:
    """Return the groups of a change in their order."""
    rows = sorted(found.groups.all(), key=lambda row: row.position)
    names = [field.name for field in fields(Group)]
    return [Group(**{name: getattr(row, name) for name in names}) for row in rows]


def happened(start: datetime, until: datetime, *, or_else: Q | None = None) -> QuerySet[Change]:
    """What changed between two times, or is chosen besides, the newest first.

    What was proposed and has not begun changed nothing yet.
    """
    between = Q(at__gt=start, at__lt=until) & ~Q(state=Change.State.PROPOSED)
    return changes().filter(between | or_else if or_else else between).select_related("author")


def around(at: datetime) -> QuerySet[Change]:
    """What changed in the day before a moment and shortly after it, the newest first."""
    return happened(at - BEFORE, at + AFTER)


def in_state(*states: str) -> QuerySet[Change]:
    """Changes that are in one of some states, the newest first."""
    found = changes().filter(state__in=states).select_related("author", "expectation")
    return found.prefetch_related("packages")


def lately(*, days: int = 14) -> QuerySet[Change]:
    """What happened lately and is over, or was only told, the newest first."""
    over = ~Q(state__in=OPEN)
    return changes().filter(over, at__gt=now() - timedelta(days=days)).select_related("author")


def alike(packages: Sequence[str], *, but: int | None = None) -> list[Change]:
    """Return earlier changes of the same packages that people proposed or raglan found, the newest first."""
    if not packages:
        return []
    about = ChangePackage.objects.filter(name__in=list(packages)).values("change")
    return list(changes().filter(pk__in=about).exclude(pk=but or 0).select_related("author")[:ALIKE])


def notes() -> QuerySet[PsaNote]:
    """All PSA notes, the newest first."""
    return PsaNote.objects.order_by("-at", "-pk").select_related("author", "change")


def notes_about(packages: Sequence[str]) -> list[PsaNote]:
    """Return the notes of which one of these packages is named in the list or in the title, the newest first."""
    wanted = {name.casefold() for name in packages}
    if not wanted:
        return []
    newest = notes()[:500]
    found = (note for note in newest if wanted & {name.casefold() for name in (*note.packages, *note.title.split())})
    return list(found)[:ALIKE]
