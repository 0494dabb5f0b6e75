"""Asks and verifications: taken, answered, and what happens when nobody answers."""

from datetime import datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import events
from raglan.incidents.actions.entries import PING, Said, post
from raglan.incidents.actions.following import follow
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.models import Answer, Entry
from raglan.oncall import queries as oncall
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person

IN_PRIVATE = "What for stands in the room, which is private. This page lets you in."
OF_AN_ASK = "ask"  # the severity of its page
BEFORE = "Before, “"


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
    """Answer a verification with one tap; answering again changes the answer, and keeps what was seen before."""
    if entry.kind != Entry.Kind.VERIFY:
        raise Conflict("Only a verification can be answered.")
    if side not in Answer.Side.values:
        raise BadInput("answer", "must be yes or no")
    before = entry.answers.select_for_update().filter(person=by).first()
    words = _with_what_was_seen(before, side, text.strip())[:2000]
    given, _ = Answer.objects.update_or_create(
        entry=entry, person=by, defaults={"side": side, "text": words, "at": now()}
    )
    be_here(entry.incident, by=by)
    payload = events.VerificationAnswered(
        entry=entry.pk, person=by.pk, side=side, text=given.text, answered_at=given.at
    )
    timeline.append(payload, actor=by, about=room_and_now(entry.incident, entry))
    return given


def _with_what_was_seen(before: Answer | None, side: str, text: str) -> str:
    """Return the words of an answer. Those given with the other side stay behind them, and say with which."""
    if before is None or not before.text:
        return text
    if before.side == side:
        mark = before.text.find(BEFORE)
        return f"{text} {before.text[mark:]}" if text and mark >= 0 else text or before.text
    seen = before.text if before.text.startswith(BEFORE) else f"{BEFORE}{before.get_side_display()}”: {before.text}"
    return f"{text} {seen}".strip()


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
def hand_back(entry: Entry, *, by: Person, why: str = "") -> Entry:
    """Say that one can not do what one took; it waits again, and somebody is pinged as before. Safe to call twice.

    Raises Conflict.
    """
    hold_room(entry.incident)
    entry = Entry.objects.select_for_update(no_key=True, of=("self",)).select_related("incident").get(pk=entry.pk)
    if entry.taken_by_id not in (None, by.pk):
        raise Conflict("Only whoever took an ask can hand it back.")
    if entry.ask_state != Entry.AskState.TAKEN:
        return entry
    entry.ask_state, entry.taken_by, entry.taken_at = Entry.AskState.WAITING, None, None
    entry.ping_at = now() + timedelta(seconds=entry.ping_after_s) if entry.ping_after_s else None
    entry.save(update_fields=["ask_state", "taken_by", "taken_at", "ping_at"])
    if entry.ping_at:
        timers.schedule(PING, subject=timeline.ref(entry), due_at=entry.ping_at)
    payload = events.AskHandedBack(entry=entry.pk, person=by.pk, ping_at=entry.ping_at)
    event = timeline.append(payload, actor=by, about=room_and_now(entry.incident, entry))
    words = f"I hand this back: “{entry.text[:200]}”. {why.strip()[:2000]}".strip()
    post(entry.incident, Said(Entry.Kind.NOTE, words, key=f"handed-back-{event.pk}"), by=by)
    return entry


@atomic
def ping(entry_id: int) -> Page | None:
    """Nobody took an ask in time: page whom the room said it would. Safe to call twice."""
    found = Entry.objects.select_related("incident", "to_team", "ping_team", "ping_person", "author")
    entry = found.filter(pk=entry_id, ping_at__isnull=False).first()
    if entry is None or entry.ask_state != Entry.AskState.WAITING:
        return None
    at = now()
    Entry.objects.filter(pk=entry.pk).update(ping_at=None, pinged_at=at)
    page = _page_for(entry, at)
    if page is None:
        return None
    pinged = events.AskPinged(entry=entry.pk, page=page.pk, pinged_at=at)
    timeline.append(pinged, about=room_and_now(entry.incident, entry, page))
    follow(entry.incident, page)
    return page


def _page_for(entry: Entry, at: datetime) -> Page | None:
    """Page the person that was named, or who is on call in the team; everybody in it when nobody is."""
    team = entry.ping_team or (None if entry.ping_person else entry.to_team)
    reason = paging.Reason("incident", entry.incident_id, f"/incidents/{entry.incident_id}/#e{entry.pk}")
    if entry.ping_person is not None:
        words = _words(entry, "you")
        return paging.page_people([entry.ping_person], words, reason=reason, by=entry.author, falls_back=True)
    if team is None:
        return None
    words = _words(entry, team.name)
    on_call = [person for person, _ in oncall.people_for_teams([team.pk], at) if person.pk != entry.author_id]
    if on_call:
        return paging.page_people(on_call, words, reason=reason, by=entry.author, falls_back=True)
    return paging.page_team(team, words, reason=reason, by=entry.author)


def _words(entry: Entry, whom: str) -> paging.Words:
    who = entry.author.name if entry.author else "The room"
    text = IN_PRIVATE if entry.incident.is_private else entry.text
    return paging.Words(title=f"{who} asks {whom} for help", text=text, severity=OF_AN_ASK)


def tells_nothing(page: Page) -> bool:
    """Tell whether a page for an ask carries no word of it, so that it may go on to whoever is to be asked."""
    return page.severity == OF_AN_ASK and page.text == IN_PRIVATE
