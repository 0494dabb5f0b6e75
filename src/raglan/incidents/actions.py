"""Verbs of incidents. All ways in (screen, REST, CLI) call these."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import events, queries
from raglan.incidents.models import (
    Answer,
    Entry,
    HeadsUp,
    Incident,
    IncidentGroup,
    IncidentPage,
    Responder,
    ServiceState,
    Thanks,
)
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person, Team

PING = "incidents.ping"
PING_AFTER = timedelta(minutes=5)
MAX_TEXT = 20_000
MAX_KEY = 64
WAITS = (Entry.Kind.ASK, Entry.Kind.VERIFY, Entry.Kind.DOING)
MAX_THANKS = 300


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody posts to a room. The same key posts once."""

    kind: Entry.Kind
    text: str
    key: str = ""
    to_team: Team | None = None
    author_words: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands: a sentence or two, three lists, what users feel, and when the next word comes."""

    summary: str
    know: Sequence[str] = ()
    trying: Sequence[str] = ()
    unknown: Sequence[str] = ()
    service_state: str = ServiceState.UNKNOWN
    state_words: str = ""
    next_update: timedelta | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A heads-up as somebody gave it; only the text is needed."""

    text: str
    did: str = ""
    saw: str = ""
    reach: str = ""
    need: str = ""
    services: Sequence[Service] = field(default_factory=tuple)


def _now_and(incident: Incident, *more: timeline.Subject) -> list[timeline.Subject]:
    return [incident, *more, "now"]


@atomic
def declare(
    title: str,
    *,
    by: Person,
    severity: str = Incident.Severity.UNKNOWN,
    services: Sequence[Service] = (),
    state_words: str = "",
) -> Incident:
    """Open a room. Raises BadInput when there is no title."""
    title = " ".join(title.split())
    if not title:
        raise BadInput("title", "say in a few words what you see")
    if severity not in Incident.Severity.values:
        raise BadInput("severity", f"must be one of {', '.join(Incident.Severity.values)}")
    incident = Incident.objects.create(
        title=title[:300], severity=severity, declared_by=by, declared_at=now(), state_words=state_words[:120]
    )
    incident.services.set(services)
    declared = events.IncidentDeclared(
        title=incident.title,
        severity=severity,
        services=sorted(service.pk for service in services),
        state_words=incident.state_words,
        declared_by=by.pk,
        declared_at=incident.declared_at,
    )
    timeline.append(declared, actor=by, about=_now_and(incident))
    be_here(incident, by=by)
    return incident


@atomic
def post(incident: Incident, said: Said, *, by: Person | None, at: datetime | None = None) -> Entry:
    """Post an entry, as of when it was written.

    The same key posts once and returns what is there. Raises BadInput, Conflict.
    """
    key = _key(said)
    if found := Entry.objects.filter(incident=incident, key=key).first():
        return found
    text = said.text.strip()
    if not text:
        raise BadInput("text", "write a few words")
    if len(text) > MAX_TEXT:
        raise BadInput("text", f"is longer than {MAX_TEXT} characters", status=422)
    if incident.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to go on writing.")
    entry, made = Entry.objects.get_or_create(
        incident=incident,
        key=key,
        defaults={
            "kind": said.kind,
            "text": text,
            "author": by,
            "author_words": said.author_words[:80],
            "at": at or now(),
            "service_state": incident.service_state,
            "ask_state": Entry.AskState.WAITING if said.kind in WAITS else Entry.AskState.NONE,
            "to_team": said.to_team,
            "ping_at": now() + PING_AFTER if said.kind == Entry.Kind.ASK and said.to_team else None,
            "link": said.link[:300],
        },
    )
    if made:
        _follow_up(entry, by)
    return entry


def _key(said: Said) -> str:
    """Return the key that is stored: a hash of one that is too long, so that two of them stay two."""
    if len(said.key) > MAX_KEY:
        return hashlib.sha256(said.key.encode()).hexdigest()
    return said.key or secrets.token_hex(16)


def _follow_up(entry: Entry, by: Person | None) -> None:
    if entry.ping_at:
        timers.schedule(PING, subject=timeline.ref(entry), due_at=entry.ping_at)
    if by is not None:
        be_here(entry.incident, by=by)
    posted = events.EntryPosted(
        entry=entry.pk,
        incident=entry.incident_id,
        entry_kind=entry.kind,
        key=entry.key,
        text=entry.text,
        author=entry.author_id,
        author_words=entry.author_words,
        written_at=entry.at,
        service_state=entry.service_state,
        ask_state=entry.ask_state,
        to_team=entry.to_team_id,
        ping_at=entry.ping_at,
        link=entry.link,
    )
    timeline.append(posted, actor=by or timeline.SYSTEM, about=_now_and(entry.incident, entry))


@atomic
def tell_outcome(entry: Entry, text: str, *, by: Person) -> Entry:
    """Hang what happened under an intention or an ask; that closes it."""
    if not text.strip():
        raise BadInput("text", "say in a few words what happened")
    entry.outcome, entry.outcome_by, entry.outcome_at = text.strip()[:MAX_TEXT], by, now()
    entry.ask_state = Entry.AskState.ANSWERED if entry.kind in WAITS else entry.ask_state
    entry.ping_at = None
    entry.save(update_fields=["outcome", "outcome_by", "outcome_at", "ask_state", "ping_at"])
    timers.cancel(PING, subject=timeline.ref(entry))
    told = events.OutcomeTold(
        entry=entry.pk, person=by.pk, text=entry.outcome, ask_state=entry.ask_state, told_at=entry.outcome_at
    )
    timeline.append(told, actor=by, about=_now_and(entry.incident, entry))
    return entry


@atomic
def take_ask(entry: Entry, *, by: Person) -> Entry:
    """Say that one can help. A second helper joins the room; the first one stays named."""
    if entry.kind != Entry.Kind.ASK:
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
        timeline.append(payload, actor=by, about=_now_and(entry.incident, entry))
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
    timeline.append(payload, actor=by, about=_now_and(entry.incident, entry))
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
        timeline.append(events.AskClosed(entry=entry.pk), actor=by, about=_now_and(entry.incident, entry))
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
    timeline.append(events.AskPinged(entry=entry.pk, page=page.pk), about=_now_and(entry.incident, entry, page))
    follow(entry.incident, page)
    return page


@atomic
def write_standing(incident: Incident, standing: Standing, *, by: Person) -> Incident:
    """Write where it stands.

    Raises Conflict when somebody wrote in between (`seen_version`); nothing is overwritten in silence.
    """
    if not standing.summary.strip():
        raise BadInput("summary", "say in a sentence where it stands")
    if standing.service_state not in ServiceState.values:
        raise BadInput("state", f"must be one of {', '.join(ServiceState.values)}")
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    if standing.seen_version is not None and standing.seen_version != incident.standing_version:
        raise Conflict(
            "Somebody wrote where it stands while you were writing. Both texts are shown; put them together."
        )
    turned = incident.service_state != standing.service_state
    before = incident.get_service_state_display()
    incident.summary = standing.summary.strip()[:4000]
    incident.know, incident.trying, incident.unknown = (
        [line.strip()[:400] for line in lines if line.strip()][:20]
        for lines in (standing.know, standing.trying, standing.unknown)
    )
    incident.service_state = standing.service_state
    incident.state_words = standing.state_words.strip()[:120]
    incident.standing_at, incident.standing_by = now(), by
    incident.standing_version += 1
    incident.next_update_at = now() + standing.next_update if standing.next_update else None
    incident.save()
    timeline.append(
        events.StandingWritten(
            summary=incident.summary,
            know=incident.know,
            trying=incident.trying,
            unknown=incident.unknown,
            service_state=incident.service_state,
            state_words=incident.state_words,
            version=incident.standing_version,
            person=by.pk,
            written_at=incident.standing_at,
            next_update_at=incident.next_update_at,
        ),
        actor=by,
        about=_now_and(incident),
    )
    if turned:
        after = incident.get_service_state_display()
        post(incident, Said(Entry.Kind.TURN, f"From {before.lower()} to {after.lower()}"), by=None)
    return incident


@atomic
def be_here(incident: Incident, *, by: Person, doing: str | None = None) -> Responder:
    """Join the room, or say what one is on. Presence is only what a person does in the room."""
    responder, made = Responder.objects.get_or_create(
        incident=incident, person=by, defaults={"joined_at": now(), "doing": (doing or "")[:200]}
    )
    changed = made or responder.left_at is not None or (doing is not None and doing != responder.doing)
    if changed:
        responder.left_at = None
        if doing is not None:
            responder.doing = doing.strip()[:200]
        responder.save()
        timeline.append(
            events.ResponderHere(person=by.pk, doing=responder.doing, joined_at=responder.joined_at),
            actor=by,
            about=_now_and(incident, by),
        )
    return responder


@atomic
def leave(incident: Incident, *, by: Person) -> None:
    """Leave the room."""
    at = now()
    if Responder.objects.filter(incident=incident, person=by, left_at__isnull=True).update(left_at=at):
        timeline.append(events.ResponderLeft(person=by.pk, left_at=at), actor=by, about=_now_and(incident, by))


@atomic
def take_lead(incident: Incident, person: Person, *, by: Person) -> Incident:
    """Give the lead to a person; the room shows it."""
    incident.lead = person
    incident.save(update_fields=["lead"])
    be_here(incident, by=person)
    timeline.append(events.LeadTaken(person=person.pk), actor=by, about=_now_and(incident, person))
    return incident


@atomic
def join_groups(incident: Incident, groups: Sequence[AlertGroup], *, by: Person | None = None) -> int:
    """Join alert groups and their pages to an incident; a group that belongs to another one stays there."""
    joined, at = [], now()
    for group in groups:
        _, made = IncidentGroup.objects.get_or_create(group=group, defaults={"incident": incident, "joined_at": at})
        if made:
            joined.append(group.pk)
            if group.page is not None:
                follow(incident, group.page)
    if joined:
        about = _now_and(incident, *[f"group:{pk}" for pk in joined], "alerts")
        timeline.append(events.GroupsJoined(groups=joined, joined_at=at), actor=by or timeline.SYSTEM, about=about)
    return len(joined)


@atomic
def follow(incident: Incident, page: Page) -> None:
    """Let the room show what becomes of a page. A page that another room follows stays there."""
    if IncidentPage.objects.get_or_create(page=page, defaults={"incident": incident})[1]:
        timeline.append(events.PageFollowed(page=page.pk), about=[incident, page])


@atomic
def give_heads_up(warned: Warned, *, by: Person) -> HeadsUp:
    """Say that one may have broken something: opens or joins a room and nudges whoever is on call.

    Only the text is needed.
    """
    if not warned.text.strip():
        raise BadInput("text", "say in a few words what you did or saw")
    incident = _room_for(warned, by)
    heads_up = HeadsUp.objects.create(
        incident=incident,
        person=by,
        text=warned.text.strip()[:MAX_TEXT],
        did=warned.did.strip(),
        saw=warned.saw.strip(),
        reach=warned.reach.strip(),
        need=warned.need.strip(),
        at=now(),
    )
    heads_up.services.set(warned.services)
    incident.services.add(*warned.services)
    post(incident, Said(Entry.Kind.HEADS_UP, _heads_up_text(heads_up), key=f"headsup-{heads_up.pk}"), by=by)
    given = events.HeadsUpGiven(
        heads_up=heads_up.pk,
        incident=incident.pk,
        person=by.pk,
        text=heads_up.text,
        did=heads_up.did,
        saw=heads_up.saw,
        reach=heads_up.reach,
        need=heads_up.need,
        services=sorted(service.pk for service in warned.services),
        given_at=heads_up.at,
    )
    timeline.append(given, actor=by, about=_now_and(incident, heads_up))
    return heads_up


def _heads_up_text(heads_up: HeadsUp) -> str:
    more = (
        ("I did", heads_up.did),
        ("I saw", heads_up.saw),
        ("It may reach", heads_up.reach),
        ("I need", heads_up.need),
    )
    return "\n".join([heads_up.text, *(f"{label}: {text}" for label, text in more if text)])


def _room_for(warned: Warned, by: Person) -> Incident:
    """Return the open room about the same services, or a new one."""
    same = Incident.objects.filter(state=Incident.State.OPEN, services__in=[s.pk for s in warned.services])
    found = same.order_by("-pk").first() if warned.services else None
    first_line = warned.text.strip().splitlines()[0]
    title = first_line if len(first_line) <= 120 else first_line[:117] + "…"
    return found or declare(f"Heads-up: {title}", by=by, services=warned.services)


@atomic
def thank(heads_up: HeadsUp, *, by: Person | None) -> None:
    """Thank first, with the words that are chosen under Setup. Safe to call twice."""
    at = now()
    if not HeadsUp.objects.filter(pk=heads_up.pk, thanked_at__isnull=True).update(thanked_at=at):
        return
    about: list[timeline.Subject] = [*([heads_up.incident] if heads_up.incident else []), heads_up]
    thanked = events.HeadsUpThanked(heads_up=heads_up.pk, thanked_at=at)
    timeline.append(thanked, actor=by or timeline.SYSTEM, about=about)
    if heads_up.incident:
        post(heads_up.incident, Said(Entry.Kind.NOTE, queries.thanks(), key=f"thanks-{heads_up.pk}"), by=by)


@atomic
def change_thanks(words: str, *, by: timeline.Subject) -> str:
    """Choose the words that thank for a heads-up; none bring back raglan's own. Safe to call twice. Raises BadInput."""
    words = " ".join(words.split()) or queries.THANKS
    if len(words) > MAX_THANKS:
        raise BadInput("words", f"are longer than {MAX_THANKS} characters", status=422)
    kept, is_new = Thanks.objects.select_for_update().get_or_create(pk=1, defaults={"words": words})
    if is_new or kept.words != words:
        kept.words = words
        kept.save(update_fields=["words"])
        timeline.append(events.ThanksChanged(thanks=kept.pk, words=words), actor=by, about=[kept])
    return words


@atomic
def stand_down(incident: Incident, *, by: Person, words: str = "") -> Incident:
    """End the coordination. A review is drafted from the timeline. Safe to call twice."""
    text = words.strip() or "Stood down."
    if Incident.objects.select_for_update(no_key=True).get(pk=incident.pk).state == Incident.State.OPEN:
        incident.state = Incident.State.OPEN
        post(incident, Said(Entry.Kind.DECIDED, text), by=by)
        _close(incident, text, by)
    incident.refresh_from_db()
    return incident


def _close(incident: Incident, text: str, by: Person) -> None:
    at, words = now(), text[:4000]
    Incident.objects.filter(pk=incident.pk).update(
        state=Incident.State.CLOSED, closed_at=at, closing_words=words, next_update_at=None
    )
    waiting = Entry.objects.filter(incident=incident, ping_at__isnull=False)
    for entry in waiting:
        timers.cancel(PING, subject=timeline.ref(entry))
    waiting.update(ping_at=None)
    timeline.append(events.IncidentStoodDown(words=words, closed_at=at), actor=by, about=_now_and(incident))


@atomic
def reopen(incident: Incident, *, by: Person, why: str) -> Incident:
    """Go on. Safe to call twice."""
    done = Incident.objects.filter(pk=incident.pk, state=Incident.State.CLOSED).update(
        state=Incident.State.OPEN, closed_at=None
    )
    incident.refresh_from_db()
    if done:
        timeline.append(events.IncidentReopened(why=why), actor=by, about=_now_and(incident))
        post(incident, Said(Entry.Kind.NOTE, why or "Reopened."), by=by)
    return incident


@atomic
def rename(incident: Incident, title: str, *, severity: str, by: Person) -> Incident:
    """Change title and severity; the room shows the earlier title. Raises BadInput."""
    title = " ".join(title.split())[:300]
    if not title:
        raise BadInput("title", "say in a few words what you see")
    if severity not in Incident.Severity.values:
        raise BadInput("severity", f"must be one of {', '.join(Incident.Severity.values)}")
    if (incident.title, incident.severity) == (title, severity):
        return incident
    before, incident.title, incident.severity = incident.title, title, severity
    incident.save(update_fields=["title", "severity"])
    timeline.append(events.IncidentRenamed(title=title, severity=severity), actor=by, about=_now_and(incident))
    if before != title:
        post(incident, Said(Entry.Kind.MACHINE, f"Title was: {before}", author_words="raglan"), by=by)
    return incident


def due_standing(incident: Incident, at: datetime) -> bool:
    """Tell whether the promised update is overdue."""
    return incident.next_update_at is not None and incident.next_update_at < at


@atomic
def nudge(heads_up_id: int) -> Page | None:
    """Page whom a heads-up tells, with its words; their page says who has it already."""
    heads_up = HeadsUp.objects.select_related("person", "incident").filter(pk=heads_up_id, page__isnull=True).first()
    if heads_up is None or heads_up.incident is None:
        return None
    people = queries.told_of(heads_up, now())
    if not people:
        return None
    words = paging.Words(title=f"Heads-up from {heads_up.person.name}", text=heads_up.text, severity="heads-up")
    reason = paging.Reason("incident", heads_up.incident_id, f"/incidents/{heads_up.incident_id}/")
    page = paging.page_people(people, words, reason=reason, by=heads_up.person)
    HeadsUp.objects.filter(pk=heads_up.pk).update(page=page)
    nudged = events.HeadsUpNudged(heads_up=heads_up.pk, page=page.pk)
    timeline.append(nudged, about=_now_and(heads_up.incident, heads_up, page))
    follow(heads_up.incident, page)
    names = " and ".join(person.name for person in people)
    said = Said(
        Entry.Kind.MACHINE,
        f"{names} {'is' if len(people) == 1 else 'are'} told of this heads-up now.",
        key=f"nudge-{heads_up.pk}",
        author_words="Pager",
    )
    post(heads_up.incident, said, by=None)
    return page
