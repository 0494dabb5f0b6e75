"""Brings a chat that was held elsewhere into the timeline of an incident. The same line again adds nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from raglan.chat import events
from raglan.chat.exported import Told
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import Conflict
from raglan.incidents import actions
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

KEY = "import-"
AT_ONCE = 50
MOST_TEXT = 19_000


@dataclass(frozen=True, slots=True)
class Brought:
    """How many lines are new, and how many were there already."""

    new: int
    known: int


def key_of(line: Told) -> str:
    """Return the key of a line's entry."""
    return KEY + hashlib.sha256(line.id.encode("utf-8", "replace")).hexdigest()[:48]


def known(incident: Incident, lines: Sequence[Told]) -> set[str]:
    """Return the keys of lines that are in the timeline already."""
    keys = [key_of(line) for line in lines]
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        some = Entry.objects.filter(incident=incident, key__in=keys[start : start + 500])
        found |= set(some.values_list("key", flat=True))
    return found


def bring_in(incident: Incident, lines: Sequence[Told], *, by: Person) -> Brought:
    """Put lines into the timeline, each under its time and the name of who said it. Raises Conflict.

    Some at a time, each time in a transaction of its own, so that pages never wait for it. They are entries of nobody
    here, with the author's name: whoever was there is not thereby in this room.
    """
    if incident.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to bring a chat in.")
    there = known(incident, lines)
    fresh = [line for line in lines if key_of(line) not in there]
    for start in range(0, len(fresh), AT_ONCE):
        _put(incident, fresh[start : start + AT_ONCE])
    if fresh:
        with atomic():
            told = events.ChatImported(lines=len(fresh), first_at=fresh[0].at, last_at=fresh[-1].at, person=by.pk)
            timeline.append(told, actor=by, about=[incident])
    return Brought(len(fresh), len(lines) - len(fresh))


@atomic
def _put(incident: Incident, lines: Sequence[Told]) -> None:
    for line in lines:
        text = clean_text(line.text).strip()[:MOST_TEXT]
        if text:
            said = actions.Said(Entry.Kind.NOTE, text, key=key_of(line), author_words=line.author)
            actions.post(incident, said, by=None, at=line.at)
