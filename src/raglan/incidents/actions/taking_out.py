"""Taking entries out of a timeline that were brought in from elsewhere and are nobody's words here."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet

from raglan.core import timeline
from raglan.core.db import atomic
from raglan.incidents import events
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.models import Alike, Answer, Attachment, EarlierText, Entry, Helped, Incident
from raglan.people.models import Person

HANGS = (EarlierText, Helped, Attachment, Answer, Alike)


@atomic
def take_entries_out(incident: Incident, entry_ids: Sequence[int], *, by: Person) -> int:
    """Take entries of nobody here out of a timeline, open or closed; return how many went.

    One with which somebody here went on (a file, an outcome, a risk) stays, and so does one that is in
    another room by now. The record keeps what they said.
    """
    hold_room(incident)
    found = _free(Entry.objects.filter(pk__in=entry_ids, incident=incident, author__isnull=True, kind=Entry.Kind.NOTE))
    gone = sorted(found.values_list("pk", flat=True))
    if gone:
        Entry.objects.filter(pk__in=gone).delete()
        told = events.EntriesTakenOut(entries=gone, person=by.pk)
        timeline.append(told, actor=by, about=[incident])
    return len(gone)


def _free(entries: "QuerySet[Entry]") -> "QuerySet[Entry]":
    """Return those under which nothing hangs."""
    free = entries.filter(outcome="", taken_by__isnull=True, risky_at__isnull=True, corrected_at__isnull=True)
    for model in HANGS:
        free = free.exclude(Exists(model._default_manager.filter(entry=OuterRef("pk"))))
    return free
