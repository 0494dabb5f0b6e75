"""Brings a chat that was held elsewhere into the timeline of an incident, and takes it out again.

The same line again adds nothing. A short chat comes in before the answer, a long one by and by.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from raglan.chat import import_steps
from raglan.chat.exported import Export, Told
from raglan.chat.import_parts import AT_ONCE, keep, keep_more
from raglan.chat.import_steps import CLOSED, MOST_AT_ONCE
from raglan.chat.imported_lines import found
from raglan.chat.models import ChatImport
from raglan.core.db import atomic
from raglan.core.errors import Conflict
from raglan.incidents.models import Incident
from raglan.people.models import Person

State = ChatImport.State


@dataclass(frozen=True, slots=True)
class Brought:
    """How many lines are new, and how many were there already; of a long chat, so far."""

    new: int
    known: int
    chat_import: ChatImport | None = field(default=None, compare=False)


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
    there = {one.entry for one in found(incident, lines).values() if one.stays}
    if not lines or len(there) < len(lines):
        return False
    return after is None or there <= set(after.lines.filter(entry__incident=incident).values_list("entry", flat=True))


@atomic
def _go_on(after: ChatImport, lines: Sequence[Told]) -> ChatImport:
    """Let more lines come in by an import that is there. Raises Conflict."""
    held = import_steps.hold(after.pk)
    if held is None or held.state not in (State.THERE, State.COMING):
        raise Conflict("This import was stopped or taken out.")
    keep_more(held, lines)
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
        held = import_steps.hold(chat_import.pk)
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
        import_steps.plan(held, is_short=is_short)
    import_steps.do_at_once(held, is_short=is_short)
    chat_import.refresh_from_db()
    return True


def take_out(chat_import: ChatImport, *, by: Person) -> None:
    """Take all lines of an import out of the timeline again, also of a closed incident. Safe to say twice.

    Lines with which somebody went on stay, and those that another import of the incident has. One that still comes in
    is stopped. Raises Conflict where nothing came in.
    """
    with atomic():
        held = import_steps.hold(chat_import.pk)
        if held is None or held.state == State.LOOKED_AT:
            raise Conflict("There is nothing to take out.")
        if held.state in (State.LEAVING, State.GONE):
            chat_import.refresh_from_db()
            return
        held.parts.all().delete()
        held.state, held.why, held.out_by = State.LEAVING, "", by
        held.save(update_fields=["state", "why", "out_by"])
        is_short = held.lines.count() <= MOST_AT_ONCE
        import_steps.plan(held, is_short=is_short)
    import_steps.do_at_once(held, is_short=is_short)
    chat_import.refresh_from_db()


def close(incident: Incident, brought: Brought, *, words: str, by: Person) -> Incident:
    """Close an incident as of the last line that was brought into it, now or once all of them are there."""
    with atomic():
        held = import_steps.hold(brought.chat_import.pk) if brought.chat_import else None
        if held is not None and held.state == State.COMING:
            held.past = {**(held.past or {}), "closes": True, "closing": words}
            held.save(update_fields=["past"])
            return incident
        return import_steps.stand_down(incident, words=words, by=by)
