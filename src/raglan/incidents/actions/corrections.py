"""What is done to an entry afterwards: corrected by whoever wrote it, marked as a help by others."""

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.incidents import events
from raglan.incidents.actions.entries import MAX_TEXT
from raglan.incidents.actions.holding import open_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import EarlierText, Entry, Helped
from raglan.people.models import Person


@atomic
def correct(entry: Entry, text: str, *, by: Person) -> Entry:
    """Say better what one wrote; the earlier text stays readable. Safe to call twice.

    Raises NotAllowed, BadInput, Conflict.
    """
    text = text.strip()
    if entry.author_id != by.pk:
        raise NotAllowed("Only whoever wrote an entry can correct it. You can answer it with an entry of your own.")
    if not entry.is_said:
        raise Conflict("This line tells what was done here; nobody wrote it. Say in an entry of your own what is so.")
    if not text:
        raise BadInput("text", "write a few words")
    if len(text) > MAX_TEXT:
        raise BadInput("text", f"is longer than {MAX_TEXT} characters", status=422)
    open_room(entry.incident)
    entry = Entry.objects.select_for_update(no_key=True, of=("self",)).select_related("incident").get(pk=entry.pk)
    if text != entry.text:
        _reword(entry, text, by)
    return entry


def _reword(entry: Entry, text: str, by: Person) -> None:
    at, before = now(), entry.text
    earlier = EarlierText.objects.create(entry=entry, number=entry.earlier.count() + 1, text=before, until=at)
    entry.text, entry.corrected_at = text, at
    entry.save(update_fields=["text", "corrected_at"])
    corrected = events.EntryCorrected(entry=entry.pk, text=text, before=before, number=earlier.number, corrected_at=at)
    timeline.append(corrected, actor=by, about=room_and_now(entry.incident, entry))


@atomic
def mark_helped(entry: Entry, *, by: Person) -> Entry:
    """Say that somebody else's entry helped. Safe to call twice. Raises Conflict."""
    if entry.author_id is None or entry.author_id == by.pk:
        raise Conflict("Helped is said of what somebody else wrote.")
    given, is_new = Helped.objects.get_or_create(entry=entry, person=by, defaults={"at": now()})
    if is_new:
        helped = events.EntryHelped(entry=entry.pk, person=by.pk, helped_at=given.at)
        timeline.append(helped, actor=by, about=room_and_now(entry.incident, entry))
    return entry


@atomic
def take_helped_back(entry: Entry, *, by: Person) -> Entry:
    """Take back that an entry helped. Safe to call twice."""
    if Helped.objects.filter(entry=entry, person=by).delete()[0]:
        back = events.HelpedTakenBack(entry=entry.pk, person=by.pk)
        timeline.append(back, actor=by, about=room_and_now(entry.incident, entry))
    return entry


@atomic
def mark_risky(entry: Entry, *, by: Person) -> Entry:
    """Say that what an entry says is risky now. Anybody in the room can; safe to call twice. Raises Conflict."""
    if entry.kind == Entry.Kind.TURN:
        raise Conflict("A turn of state is not a risk. Say in an entry of your own what is risky.")
    open_room(entry.incident)
    at = now()
    if Entry.objects.filter(pk=entry.pk, risky_at__isnull=True).update(risky_at=at, risky_by=by):
        marked = events.EntryRisky(entry=entry.pk, person=by.pk, marked_at=at)
        timeline.append(marked, actor=by, about=room_and_now(entry.incident, entry))
    return entry


@atomic
def end_risk(entry: Entry, *, by: Person) -> Entry:
    """Say that what an entry says is not risky any more. Safe to call twice."""
    if Entry.objects.filter(pk=entry.pk, risky_at__isnull=False).update(risky_at=None, risky_by=None):
        over = events.RiskOver(entry=entry.pk, person=by.pk)
        timeline.append(over, actor=by, about=room_and_now(entry.incident, entry))
    return entry
