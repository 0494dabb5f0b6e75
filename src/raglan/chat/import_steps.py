"""The steps by which a chat from elsewhere comes into a timeline and leaves it again: one part in a transaction.

A long chat does them by a timer, so that nothing else waits for it and a new start of the server goes on where it was.
Whoever holds the room takes it before the import.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Exists

from raglan.chat import events
from raglan.chat.exported import Told
from raglan.chat.import_parts import AT_ONCE, told_in
from raglan.chat.imported_lines import found, held_by, is_one, key_of
from raglan.chat.models import ChatImport, ImportedLine
from raglan.core import bus, logs, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.incidents import actions
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

GO_ON = "chat.import"
MOST_AT_ONCE = 300  # lines that come in while somebody waits for the answer
SOON = timedelta(seconds=30)  # then the timer does what a process that died left
MOST_TEXT = 19_000
ASK = "The log of the server says why; try again."
CLOSED = "This incident is closed. Reopen it to bring a chat in."
State = ChatImport.State
log = logs.get("raglan.chat")


def hold(pk: int) -> ChatImport | None:
    """Return an import that is held until the end of the transaction, with its room, if there is any."""
    seen = ChatImport.objects.select_related("incident").filter(pk=pk).first()
    if seen is not None and seen.incident is not None:
        actions.hold_room(seen.incident)
    held = ChatImport.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("incident", "by", "on_by", "out_by").filter(pk=pk).first()


def plan(chat_import: ChatImport, *, is_short: bool) -> None:
    """Plan the first step: now, or of what is done at once when the process that does it may have died."""
    timers.cancel(GO_ON, subject=timeline.ref(chat_import))
    due_at = now() + (SOON if is_short else timedelta(0))
    timers.schedule(GO_ON, subject=timeline.ref(chat_import), due_at=due_at)


def do_at_once(held: ChatImport, *, is_short: bool) -> None:
    """Do all steps of what is short, before the answer."""
    if is_short:
        while go_on(held.pk):
            pass
        timers.cancel(GO_ON, subject=timeline.ref(held))


@atomic
def go_on(pk: int) -> bool:
    """Do the next part of what an import has to do; tell whether there is more."""
    held = hold(pk)
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
    there = found(incident, lines)
    entries = {key: one.entry for key, one in there.items()}
    new = sum(not one.stays for one in there.values())
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
        stand_down(incident, words=str(past.get("closing", "")), by=who)


def stand_down(incident: Incident, *, words: str, by: Person) -> Incident:
    """Close an incident as of the last line that was brought into it."""
    brought = incident.entries.filter(is_one()).order_by("-at")
    last = brought.values_list("at", flat=True).first() or incident.declared_at
    end = min(max(last, incident.declared_at), now())
    return actions.stand_down(incident, by=by, words=words, at=end)


def _leave(held: ChatImport, incident: Incident) -> bool:
    some = list(held.lines.order_by("pk").values_list("pk", "entry_id")[: 2 * AT_ONCE])
    who = held.out_by or held.by
    free = Entry.objects.filter(~Exists(held_by(incident)), pk__in=[entry for _, entry in some])
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


def _stop(held: ChatImport, why: str) -> None:
    held.state, held.why = State.STOPPED, why[:300]
    held.save(update_fields=["state", "why"])
    _tell(held)


def _tell(held: ChatImport) -> None:
    """Let the pages that show an import hear of it."""
    if held.incident is not None:
        bus.publish([timeline.ref(held.incident)], timeline.newest_id())


def _give_up(due: timers.Due, error: str) -> None:
    """Stop an import whose next part failed again and again; somebody can let it go on."""
    held = hold(due.subject_id)
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
