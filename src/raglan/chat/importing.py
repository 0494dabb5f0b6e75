"""Brings a chat that was held elsewhere into the timeline of an incident, and takes it out again.

The same line again adds nothing. A long chat comes in by a timer, part by part, so that nothing else waits for it and a
new start of the server goes on where it was; so does taking it out. Whoever holds the room takes it before the import.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from raglan.chat import events
from raglan.chat.exported import Export, Told
from raglan.chat.models import ChatImport, ImportedLine, ImportPart
from raglan.core import bus, logs, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import Conflict
from raglan.incidents import actions, moving
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

KEY = "import-"
GO_ON = "chat.import"
AT_ONCE = 50
MOST_AT_ONCE = 300  # lines that come in while somebody waits for the answer
SOON = timedelta(seconds=30)  # then the timer does what a process that died left
MOST_TEXT = 19_000
ASK = "The log of the server says why; try again."
CLOSED = "This incident is closed. Reopen it to bring a chat in."
State = ChatImport.State
STANDING = (State.COMING, State.STOPPED, State.THERE)
log = logs.get("raglan.chat")


@dataclass(frozen=True, slots=True)
class Brought:
    """How many lines are new, and how many were there already; of a long chat, so far."""

    new: int
    known: int
    chat_import: ChatImport | None = field(default=None, compare=False)


def key_of(line: Told) -> str:
    """Return the key of a line's entry."""
    return KEY + hashlib.sha256(line.id.encode("utf-8", "replace")).hexdigest()[:48]


def known(incident: Incident, lines: Sequence[Told]) -> set[str]:
    """Return the keys of lines that are in the timeline already, and that do not leave it at this moment."""
    leaving = ImportedLine.objects.filter(chat_import__incident=incident, chat_import__state=State.LEAVING)
    stays = ~Exists(leaving.filter(entry=OuterRef("pk"))) | Exists(_held_by(incident))
    keys = [key_of(line) for line in lines]
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        some = Entry.objects.filter(stays, incident=incident, key__in=keys[start : start + 500])
        found |= set(some.values_list("key", flat=True))
    return found


def _held_by(incident: Incident) -> "QuerySet[ImportedLine]":
    """Return, of an entry, the lines of imports of its incident that stand: as long as there is one, it stays."""
    stand = ImportedLine.objects.filter(chat_import__incident=incident, chat_import__state__in=STANDING)
    return stand.filter(entry=OuterRef("pk"))


@atomic
def keep(export: Export, *, by: Person, incident: Incident | None, past: dict[str, object] | None = None) -> ChatImport:
    """Keep what an export holds, until begin() lets it come in."""
    lines = export.lines
    made = ChatImport.objects.create(
        incident=incident,
        by=by,
        platform=export.kind[:60],
        total=len(lines),
        problems=export.problems,
        past=past,
        first_at=lines[0].at,
        last_at=lines[-1].at,
        made_at=now(),
    )
    _keep(made, lines, 0)
    return made


def _keep(chat_import: ChatImport, lines: Sequence[Told], after: int) -> None:
    parts = (lines[start : start + AT_ONCE] for start in range(0, len(lines), AT_ONCE))
    ImportPart.objects.bulk_create(
        (
            ImportPart(chat_import=chat_import, number=number, lines=json.dumps([line.as_json() for line in some]))
            for number, some in enumerate(parts, after + 1)
        ),
        batch_size=100,
    )


def told_in(part: ImportPart) -> list[Told]:
    """Return the lines of a part."""
    return [
        Told(one["id"], datetime.fromisoformat(one["at"]), one["author"], one["text"]) for one in json.loads(part.lines)
    ]


def bring_in(
    incident: Incident,
    lines: Sequence[Told],
    *,
    by: Person,
    after: ChatImport | None = None,
    kind: str = "text",
    has_more: bool = False,
) -> Brought:
    """Put lines into the timeline, each under its time and the name of who said it. Raises Conflict.

    They are entries of nobody here, with the author's name: whoever was there is not thereby in this room. With `after`
    they belong to an import that is there, and are taken out with it. A chat of which all lines are there already makes
    no import, unless it `has_more`.
    """
    if incident.state != Incident.State.OPEN:
        raise Conflict(CLOSED)
    if (after is not None or not has_more) and _are_there(incident, lines, after):
        return Brought(0, len(lines), after)
    made = keep(Export(kind, list(lines), []), by=by, incident=incident) if after is None else _go_on(after, lines)
    begin(made, by=by)
    before = (after.new, after.known) if after else (0, 0)
    return Brought(made.new - before[0], made.known - before[1], made)


def _are_there(incident: Incident, lines: Sequence[Told], after: ChatImport | None) -> bool:
    """Tell whether all lines are in the timeline; with `after` also whether all of them came with that import."""
    there = known(incident, lines)
    if not lines or len(there) < len(lines):
        return False
    return after is None or after.lines.filter(entry__key__in=there, entry__incident=incident).count() == len(there)


@atomic
def _go_on(after: ChatImport, lines: Sequence[Told]) -> ChatImport:
    """Let more lines come in by an import that is there. Raises Conflict."""
    held = _held(after.pk)
    if held is None or held.state not in (State.THERE, State.COMING):
        raise Conflict("This import was stopped or taken out.")
    last = held.parts.order_by("-number").values_list("number", flat=True).first() or 0
    _keep(held, lines, last)
    held.total += len(lines)
    held.first_at, held.last_at = min(held.first_at, lines[0].at), max(held.last_at, lines[-1].at)
    held.state = State.STOPPED
    held.save()
    return held


def begin(chat_import: ChatImport, *, by: Person, make: Callable[[ChatImport], bool] | None = None) -> bool:
    """Let what was looked at, or was stopped, come in: a short chat at once, a long one by and by. Raises Conflict.

    The record names whoever said so last. Tell whether it came or comes: not what is there already, or out again.
    What `make` makes for it is made together with that, or not at all; where it made nothing, somebody else began.
    """
    with atomic():
        if make is not None and not make(chat_import):
            chat_import.refresh_from_db()
            return chat_import.state == State.COMING
        held = _held(chat_import.pk)
        if held is None or held.incident is None:
            raise Conflict("This is not there any more. Bring it in anew.")
        if held.state not in (State.LOOKED_AT, State.STOPPED):
            chat_import.refresh_from_db()
            return held.state == State.COMING
        if held.incident.state != Incident.State.OPEN:
            raise Conflict(CLOSED)
        held.state, held.why, held.on_by = State.COMING, "", by
        held.save(update_fields=["state", "why", "on_by"])
        is_short = held.parts.count() * AT_ONCE <= MOST_AT_ONCE
        _plan(held, SOON if is_short else timedelta(0))
    _do_at_once(held, is_short)
    chat_import.refresh_from_db()
    return True


def _do_at_once(held: ChatImport, is_short: bool) -> None:
    if is_short:
        while go_on(held.pk):
            pass
        timers.cancel(GO_ON, subject=timeline.ref(held))


def _plan(chat_import: ChatImport, after: timedelta = timedelta(0)) -> None:
    timers.cancel(GO_ON, subject=timeline.ref(chat_import))
    timers.schedule(GO_ON, subject=timeline.ref(chat_import), due_at=now() + after)


def _held(pk: int) -> ChatImport | None:
    """Return an import that is held until the end of the transaction, with its room, if there is any."""
    seen = ChatImport.objects.select_related("incident").filter(pk=pk).first()
    if seen is not None and seen.incident is not None:
        actions.hold_room(seen.incident)
    held = ChatImport.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("incident", "by", "on_by", "out_by").filter(pk=pk).first()


@atomic
def go_on(pk: int) -> bool:
    """Do the next part of what an import has to do; tell whether there is more."""
    held = _held(pk)
    if held is None or held.incident is None:
        return False
    if held.state == State.COMING:
        return _come(held, held.incident)
    return held.state == State.LEAVING and _leave(held, held.incident)


def _come(held: ChatImport, incident: Incident) -> bool:
    if incident.state != Incident.State.OPEN:
        _stop(held, CLOSED)
        return False
    part = held.parts.order_by("number").first()
    if part is not None:
        _put(held, incident, told_in(part))
        part.delete()
    if part is not None and held.parts.exists():
        held.save(update_fields=["new", "known"])
        return True
    _arrive(held, incident)
    return False


def _put(held: ChatImport, incident: Incident, lines: Sequence[Told]) -> None:
    """Let lines come in. Those that are there already are lines of this import, too; what leaves just now, is new."""
    there = known(incident, lines)
    entries = dict(incident.entries.filter(key__in=[key_of(line) for line in lines]).values_list("key", "pk"))
    new = len(entries.keys() - there)
    for line in lines:
        key, text = key_of(line), clean_text(line.text).strip()[:MOST_TEXT]
        if key in entries or not text:
            continue
        said = actions.Said(Entry.Kind.NOTE, text, key=key, author_words=line.author)
        entries[key] = actions.post(incident, said, by=None, at=line.at).pk
        new += 1
    rows = (ImportedLine(chat_import=held, entry_id=pk) for pk in sorted(entries.values()))
    ImportedLine.objects.bulk_create(rows, ignore_conflicts=True)
    held.new += new
    held.known += len(lines) - new


def _arrive(held: ChatImport, incident: Incident) -> None:
    new, who = held.new - held.told, held.on_by or held.by
    held.state, held.ended_at, held.told = State.THERE, now(), held.new
    held.save(update_fields=["state", "ended_at", "new", "known", "told"])
    if new:
        told = events.ChatImported(
            lines=new, first_at=held.first_at, last_at=held.last_at, person=who.pk, chat_import=held.pk
        )
        timeline.append(told, actor=who, about=[incident])
    else:
        _tell(held)
    past = held.past or {}
    if past.get("is_near_miss"):
        actions.turn_kind(incident, Incident.Kind.NEAR_MISS, by=who)
    if past.get("closes"):
        _stand_down(incident, words=str(past.get("closing", "")), by=who)


def close(incident: Incident, brought: Brought, *, words: str, by: Person) -> Incident:
    """Close an incident as of the last line that was brought into it, now or once all of them are there."""
    with atomic():
        held = _held(brought.chat_import.pk) if brought.chat_import else None
        if held is not None and held.state == State.COMING:
            held.past = {**(held.past or {}), "closes": True, "closing": words}
            held.save(update_fields=["past"])
            return incident
        return _stand_down(incident, words=words, by=by)


def _stand_down(incident: Incident, *, words: str, by: Person) -> Incident:
    keyed = incident.entries.filter(key__startswith=KEY).order_by("-at")
    last = keyed.values_list("at", flat=True).first() or incident.declared_at
    end = min(max(last, incident.declared_at), now())
    return actions.stand_down(incident, by=by, words=words, at=end)


def _stop(held: ChatImport, why: str) -> None:
    held.state, held.why = State.STOPPED, why[:300]
    held.save(update_fields=["state", "why"])
    _tell(held)


def _tell(held: ChatImport) -> None:
    """Let the pages that show an import hear of it."""
    if held.incident is not None:
        bus.publish([timeline.ref(held.incident)], timeline.newest_id())


def that_stay(ids: moving.Ids, here: Incident) -> moving.Ids:
    """Return entries that stay here when a merge is undone: an import of here stands that has them, and none that goes.

    Without that lines would go away from a chat that was brought in here since.
    """
    goes = ids.get("chat_imports", ())
    stand = ImportedLine.objects.filter(chat_import__state__in=STANDING, chat_import__incident=here)
    going = stand.filter(chat_import__in=goes, entry=OuterRef("entry"))
    held = stand.exclude(chat_import__in=goes).exclude(Exists(going)).values_list("entry", flat=True)
    return {"entries": sorted(set(held) & set(ids.get("entries", ())))}


# Out again ------------------------------------------------------------------------------------------------------------


def take_out(chat_import: ChatImport, *, by: Person) -> None:
    """Take all lines of an import out of the timeline again, also of a closed incident. Safe to say twice.

    Lines with which somebody went on stay, and those that another import of the incident has. One that still comes in
    is stopped. Raises Conflict where nothing came in.
    """
    with atomic():
        held = _held(chat_import.pk)
        if held is None or held.state == State.LOOKED_AT:
            raise Conflict("There is nothing to take out.")
        if held.state in (State.LEAVING, State.GONE):
            chat_import.refresh_from_db()
            return
        held.parts.all().delete()
        held.state, held.why, held.out_by = State.LEAVING, "", by
        held.save(update_fields=["state", "why", "out_by"])
        is_short = held.lines.count() <= MOST_AT_ONCE
        _plan(held, SOON if is_short else timedelta(0))
    _do_at_once(held, is_short)
    chat_import.refresh_from_db()


def _leave(held: ChatImport, incident: Incident) -> bool:
    some = list(held.lines.order_by("pk").values_list("pk", "entry_id")[: 2 * AT_ONCE])
    who = held.out_by or held.by
    free = Entry.objects.filter(~Exists(_held_by(incident)), pk__in=[entry for _, entry in some])
    gone = actions.take_entries_out(incident, list(free.order_by("pk").values_list("pk", flat=True)), by=who)
    ImportedLine.objects.filter(pk__in=[pk for pk, _ in some]).delete()  # those that stay are let go of
    held.removed += gone
    held.stay += len(some) - gone
    if not held.lines.exists():
        held.state, held.ended_at = State.GONE, now()
        done = events.ChatImportUndone(chat_import=held.pk, lines=held.removed, stay=held.stay, person=who.pk)
        timeline.append(done, actor=who, about=[incident])
    held.save(update_fields=["removed", "stay", "state", "ended_at"])
    return held.state == State.LEAVING


# By timers ------------------------------------------------------------------------------------------------------------


def _give_up(due: timers.Due, error: str) -> None:
    """Stop an import whose next part failed again and again; somebody can let it go on."""
    held = _held(due.subject_id)
    log.error("a chat import was given up after three tries", extra={"chat_import": due.subject_id, "why": error})
    if held is not None and held.state == State.COMING:
        _stop(held, f"It failed three times. {ASK}")
    elif held is not None and held.state == State.LEAVING:
        held.state, held.why, held.out_by = State.THERE, f"Taking it out failed three times. {ASK}", None
        held.save(update_fields=["state", "why", "out_by"])
        _tell(held)


@timers.handler(GO_ON, on_parked=_give_up)
def go_on_by_timer(due: timers.Due) -> None:
    """Do the next part, and plan the one after it."""
    if go_on(due.subject_id):
        timers.schedule(GO_ON, subject=due.subject, due_at=now())
