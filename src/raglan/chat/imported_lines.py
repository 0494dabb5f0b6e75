"""Which lines of chats that were held elsewhere are in a timeline, and which imports hold them there."""

import hashlib
from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet

from raglan.chat.exported import Told
from raglan.chat.models import ChatImport, ImportedLine
from raglan.incidents import moving
from raglan.incidents.models import Entry, Incident

KEY = "import-"
State = ChatImport.State
STANDING = (State.COMING, State.STOPPED, State.THERE)


def key_of(line: Told) -> str:
    """Return the key of a line's entry."""
    return KEY + hashlib.sha256(line.id.encode("utf-8", "replace")).hexdigest()[:48]


def known(incident: Incident, lines: Sequence[Told]) -> set[str]:
    """Return the keys of lines that are in the timeline already, and that do not leave it at this moment."""
    leaving = ImportedLine.objects.filter(chat_import__incident=incident, chat_import__state=State.LEAVING)
    stays = ~Exists(leaving.filter(entry=OuterRef("pk"))) | Exists(held_by(incident))
    keys = [key_of(line) for line in lines]
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        some = Entry.objects.filter(stays, incident=incident, key__in=keys[start : start + 500])
        found |= set(some.values_list("key", flat=True))
    return found


def held_by(incident: Incident) -> "QuerySet[ImportedLine]":
    """Return, of an entry, the lines of imports of its incident that stand: as long as there is one, it stays."""
    stand = ImportedLine.objects.filter(chat_import__incident=incident, chat_import__state__in=STANDING)
    return stand.filter(entry=OuterRef("pk"))


def that_stay(ids: moving.Ids, here: Incident) -> moving.Ids:
    """Return entries that stay here when a merge is undone: an import of here stands that has them, and none that goes.

    Without that lines would go away from a chat that was brought in here since.
    """
    goes = ids.get("chat_imports", ())
    stand = ImportedLine.objects.filter(chat_import__state__in=STANDING, chat_import__incident=here)
    going = stand.filter(chat_import__in=goes, entry=OuterRef("entry"))
    held = stand.exclude(chat_import__in=goes).exclude(Exists(going)).values_list("entry", flat=True)
    return {"entries": sorted(set(held) & set(ids.get("entries", ())))}
