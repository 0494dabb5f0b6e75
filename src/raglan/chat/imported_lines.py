"""Which lines of chats that were held elsewhere are in a timeline, and which imports hold them there."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Right

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


@dataclass(frozen=True, slots=True)
class Found:
    """The entry of a line that is in a timeline, and whether it stays there: it may leave it at this moment."""

    entry: int
    stays: bool


def found(incident: Incident, lines: Sequence[Told]) -> dict[str, Found]:
    """Return what is in the timeline already of lines, by the keys of the lines.

    In rooms that were merged an entry may have another key, since the other room had the same line. Where a line is
    there twice it is the entry that stays, and of these the one with its own key.
    """
    leaving = ImportedLine.objects.filter(chat_import__incident=incident, chat_import__state=State.LEAVING)
    stays = ~Exists(leaving.filter(entry=OuterRef("pk"))) | Exists(held_by(incident))
    entries = Entry.objects.filter(incident=incident).annotate(stays=stays, tail=Right("key", moving.TAIL))
    keys = [key_of(line) for line in lines]
    there: dict[str, Found] = {}
    for start in range(0, len(keys), 500):
        some = {moving.tail_of(key): key for key in keys[start : start + 500]}
        own = entries.filter(key__in=list(some.values()))
        afresh = entries.filter(key__startswith=moving.AFRESH, tail__in=list(some)).order_by("pk")
        for rows in (own, afresh):
            for pk, tail, key, stay in rows.values_list("pk", "tail", "key", "stays"):
                line = key if rows is own else some[tail]
                if line not in there or (stay and not there[line].stays):
                    there[line] = Found(pk, stay)
    return there


def known(incident: Incident, lines: Sequence[Told]) -> set[str]:
    """Return the keys of lines that are in the timeline already, and that do not leave it at this moment."""
    return {key for key, one in found(incident, lines).items() if one.stays}


def is_one() -> Q:
    """Return, of an entry, whether it is a line of a chat that was brought in."""
    held = ImportedLine.objects.filter(entry=OuterRef("pk"))
    return Q(key__startswith=KEY) | Q(Exists(held))


def is_from_elsewhere(entry: Entry) -> bool:
    """Tell whether an entry is a line of a chat that was brought in."""
    if entry.key.startswith(moving.AFRESH):
        return Entry.objects.filter(is_one(), pk=entry.pk).exists()
    return entry.key.startswith(KEY)


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


def that_miss(ids: moving.Ids, here: Incident) -> str:
    """Say how many lines of chats that stay here go back with another chat when a merge is undone."""
    stand = ImportedLine.objects.filter(chat_import__state__in=STANDING, chat_import__incident=here)
    stay = stand.exclude(chat_import__in=ids.get("chat_imports", ())).values_list("entry", flat=True)
    number = len(set(stay) & set(ids.get("entries", ())))
    if not number:
        return ""
    return f"Lines that went with it, and that a chat brought in here has, too: {number}. Bring that chat in once more."
