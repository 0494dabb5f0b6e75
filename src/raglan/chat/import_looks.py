"""What somebody looks at before they bring it in: kept for them alone, one at a place, for a day."""

from datetime import timedelta

from raglan.chat.exported import Export, Told
from raglan.chat.importing import AT_ONCE, keep, known, told_in
from raglan.chat.models import ChatImport
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents.models import Incident
from raglan.people.models import Person

KEPT = timedelta(days=1)


@atomic
def look_at(
    export: Export, *, by: Person, incident: Incident | None, past: dict[str, object] | None = None
) -> ChatImport:
    """Keep what an export holds, so that somebody can look at it and then say yes. Nobody else sees it.

    What they looked at before in the same place, and did not say yes to, goes.
    """
    _delete(by=by, incident=incident)
    return keep(export, by=by, incident=incident, past=past)


def waiting(chat_import: ChatImport, most: int) -> list[Told]:
    """Return the first lines that are still to come in."""
    found: list[Told] = []
    for part in chat_import.parts.order_by("number")[: -(-most // AT_ONCE)]:
        found += told_in(part)
    return found[:most]


def known_of(chat_import: ChatImport) -> set[str]:
    """Return the keys of lines of a look that are in the timeline already."""
    lines = waiting(chat_import, chat_import.total)
    return known(chat_import.incident, lines) if chat_import.incident else set()


@atomic
def forget() -> int:
    """Delete what was looked at and never brought in; return how many."""
    return _delete(made_at__lt=now() - KEPT)


def _delete(**which: object) -> int:
    """Delete looks; one to which somebody says yes at this moment is none any more."""
    looks = ChatImport.objects.filter(state=ChatImport.State.LOOKED_AT, **which)
    held = list(looks.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True))
    ChatImport.objects.filter(pk__in=held).delete()
    return len(held)
