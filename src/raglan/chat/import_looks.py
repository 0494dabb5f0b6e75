"""What somebody looks at before they bring it in: kept for them alone, for a day."""

from datetime import timedelta

from django.db.models import Q, QuerySet

from raglan.chat.exported import Export, Told
from raglan.chat.import_parts import AT_ONCE, keep, told_in
from raglan.chat.imported_lines import known
from raglan.chat.models import ChatImport
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import Conflict
from raglan.incidents import privacy
from raglan.incidents.models import Incident
from raglan.people.models import Person

KEPT = timedelta(days=1)
MOST = 10  # of one person
FULL = f"{MOST} chats that you looked at wait for your yes. Bring one in, or drop one."


@atomic
def look_at(
    export: Export, *, by: Person, incident: Incident | None, past: dict[str, object] | None = None
) -> ChatImport:
    """Keep what an export holds, so that somebody can look at it and then say yes. Nobody else sees it.

    Several stand beside each other, each with what it found; the same again is the one that is there. Raises Conflict.
    """
    own = ChatImport.objects.filter(state=ChatImport.State.LOOKED_AT, by=by)
    lines = list(export.lines)
    for look in own.filter(incident=incident, total=len(lines), platform=export.kind[:60]).order_by("pk"):
        is_same = (look.past, look.problems, waiting(look, look.total)) == (past, export.problems, lines)
        if is_same and own.filter(pk=look.pk).update(made_at=now()):
            return own.get(pk=look.pk)
    if of(by).count() >= MOST:  # of those that they can drop
        raise Conflict(FULL)
    return keep(export, by=by, incident=incident, past=past)


def of(person: Person) -> QuerySet[ChatImport]:
    """Return what somebody looked at and did not bring in yet, the newest first."""
    own = ChatImport.objects.filter(state=ChatImport.State.LOOKED_AT, by=person)
    return own.filter(Q(incident=None) | privacy.visible("incident__")).select_related("incident").order_by("-pk")


@atomic
def drop(chat_import: ChatImport) -> bool:
    """Delete a look; tell whether it was one still, and not what somebody says yes to at this moment."""
    return _delete(pk=chat_import.pk) > 0


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
