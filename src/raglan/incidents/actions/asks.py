"""Asks and verifications: taken, answered, and what happens when nobody answers."""

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import events
from raglan.incidents.actions.entries import PING
from raglan.incidents.actions.following import follow
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.models import Answer, Entry
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person


@atomic
def take_ask(entry: Entry, *, by: Person) -> Entry:
    """Say that one can help. A second helper joins the room; the first one stays named."""
    if entry.kind not in (Entry.Kind.ASK, Entry.Kind.STUCK):
        raise Conflict("Only an ask for help can be taken.")
    be_here(entry.incident, by=by)
    at = now()
    taken = Entry.objects.filter(pk=entry.pk, ask_state=Entry.AskState.WAITING).update(
        ask_state=Entry.AskState.TAKEN, taken_by=by, taken_at=at, ping_at=None
    )
    entry.refresh_from_db()
    if taken:
        timers.cancel(PING, subject=timeline.ref(entry))
        payload = events.AskTaken(entry=entry.pk, person=by.pk, taken_at=at)
        timeline.append(payload, actor=by, about=room_and_now(entry.incident, entry))
    return entry


@atomic
def answer(entry: Entry, side: str, *, by: Person, text: str = "") -> Answer:
    """Answer a verification with one tap; answering again changes the answer."""
    if entry.kind != Entry.Kind.VERIFY:
        raise Conflict("Only a verification can be answered.")
    if side not in Answer.Side.values:
        raise BadInput("answer", "must be yes or no")
    given, _ = Answer.objects.update_or_create(
        entry=entry, person=by, defaults={"side": side, "text": text.strip()[:2000], "at": now()}
    )
    be_here(entry.incident, by=by)
    payload = events.VerificationAnswered(
        entry=entry.pk, person=by.pk, side=side, text=given.text, answered_at=given.at
    )
    timeline.append(payload, actor=by, about=room_and_now(entry.incident, entry))
    return given


@atomic
def close_ask(entry: Entry, *, by: Person) -> Entry:
    """Say that an ask, a verification or an intention waits no more."""
    open_states = (Entry.AskState.WAITING, Entry.AskState.TAKEN)
    done = Entry.objects.filter(pk=entry.pk, ask_state__in=open_states).update(
        ask_state=Entry.AskState.ANSWERED, ping_at=None
    )
    entry.refresh_from_db()
    if done:
        timers.cancel(PING, subject=timeline.ref(entry))
        timeline.append(events.AskClosed(entry=entry.pk), actor=by, about=room_and_now(entry.incident, entry))
    return entry


@atomic
def ping_team(entry_id: int) -> Page | None:
    """Nobody took an ask in time: page the team that it was put to, as the room said it would."""
    entry = Entry.objects.select_related("incident", "to_team", "author").filter(pk=entry_id).first()
    if entry is None or entry.ask_state != Entry.AskState.WAITING or entry.to_team is None:
        return None
    Entry.objects.filter(pk=entry.pk).update(ping_at=None)
    who = entry.author.name if entry.author else "The room"
    words = paging.Words(title=f"{who} asks {entry.to_team.name} for help", text=entry.text, severity="ask")
    reason = paging.Reason("incident", entry.incident_id, f"/incidents/{entry.incident_id}/#e{entry.pk}")
    page = paging.page_team(entry.to_team, words, reason=reason, by=entry.author)
    timeline.append(events.AskPinged(entry=entry.pk, page=page.pk), about=room_and_now(entry.incident, entry, page))
    follow(entry.incident, page)
    return page
