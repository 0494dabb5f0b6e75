"""Verbs of the desk: hold the outside, promise the next word, say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta

from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict
from raglan.core.keys import key_of
from raglan.incidents import privacy
from raglan.incidents.actions import listing
from raglan.incidents.models import Incident, Listed, ServiceState
from raglan.outside import asking, events, queries
from raglan.outside.components import check_line, line
from raglan.outside.models import ComponentWord, Desk, Stage, StatusUpdate
from raglan.outside.publishing import publish_soon
from raglan.outside.spreading import spread_soon
from raglan.people import mail
from raglan.people.access import Scope, allows
from raglan.people.models import Person
from raglan.ui.wording import when

REMIND = "outside.remind"
MAX_TEXT = 4_000
MAX_NOTE = 300
MAX_HEADLINE = 120
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Word:
    """An update as somebody wrote it. The same key says it once. `seen` is the number of the last one they saw.

    A public one stands on the status page, too, under its headline; `states` says how components are.
    """

    stage: str
    text: str
    next_word: timedelta | None = None
    key: str = ""
    seen: int | None = None
    is_public: bool = False
    headline: str = ""
    states: Mapping[int, str] = field(default_factory=dict)


@atomic
def hold(incident: Incident, person: Person | None, *, by: Person, note: str = "") -> Desk:
    """Let a person speak to those outside, or nobody. Safe to call twice. Raises BadInput."""
    check_line(note, "note", MAX_NOTE, empty=True)
    note = line(note)
    if person is not None and not allows(person, Scope.RESPOND):
        raise BadInput("person", "can not hold it; choose somebody who may respond", status=422)
    desk = _locked(incident)
    if person is not None:
        listing.let_in(desk.incident, person, listing.Because(Listed.How.ROOM, "", by))
    if desk.holder_id == (person.pk if person else None):
        return desk
    desk.holder, desk.held_since, desk.note = person, now() if person else None, note
    desk.save(update_fields=["holder", "held_since", "note"])
    held = events.DeskHeld(
        incident=incident.pk, person=person.pk if person else None, note=note, held_since=desk.held_since
    )
    timeline.append(held, actor=by, about=[desk, incident])
    if person is not None and person.pk != by.pk:
        _tell_handed_over(desk, person, by, note)
    return desk


def _tell_handed_over(desk: Desk, person: Person, by: Person, note: str) -> None:
    promised = f" The next word is promised for {_utc(desk)}." if desk.next_word_at else ""
    text = f"{by.name} gives you the outside of incident {desk.incident_id}, {desk.incident.title}.{promised}"
    _mail(desk, person, "The outside is yours", f"{text}\n\n{note}".strip())


@atomic
def promise(incident: Incident, after: timedelta | None, *, by: Person) -> Desk:
    """Promise the next word for a time from now, or take the promise back. Raises BadInput."""
    _check_wait(after)
    desk = _locked(incident)
    _promise(desk, after)
    timeline.append(
        events.WordPromised(incident=incident.pk, next_word_at=desk.next_word_at), actor=by, about=[desk, incident]
    )
    return desk


def _check_wait(after: timedelta | None) -> None:
    if after is not None and not timedelta(minutes=1) <= after <= LONGEST:
        raise BadInput("next_word", "promise it for a time between a minute and a week from now", status=422)


def _promise(desk: Desk, after: timedelta | None) -> None:
    desk.next_word_at, desk.reminded_at = now() + after if after else None, None
    desk.save(update_fields=["next_word_at", "reminded_at"])
    timers.cancel(REMIND, subject=timeline.ref(desk))
    if desk.next_word_at:
        timers.schedule(REMIND, subject=timeline.ref(desk), due_at=desk.next_word_at)


@timers.handler(REMIND)
def remind(due: timers.Due) -> None:
    """The promised time is here: remind whoever holds the desk, or the lead when nobody does. Once a promise."""
    desk = Desk.objects.select_for_update(of=("self",)).select_related("holder", "incident__lead")
    found = desk.filter(pk=due.subject_id).first()
    at = now()
    if found is None or found.next_word_at is None or found.reminded_at or found.next_word_at > at:
        return
    found.reminded_at = at
    found.save(update_fields=["reminded_at"])
    person = found.holder or found.incident.lead
    late = events.WordLate(incident=found.pk, person=person.pk if person else None, reminded_at=at)
    timeline.append(late, about=[found, found.incident])
    if person is not None:
        text = f"Those outside were promised a word on incident {found.pk}, {found.incident.title}, by {_utc(found)}."
        _mail(found, person, "The promised word is due", f"{text} That nothing is new is a word, too.")


@atomic
def remind_of_last_word(incident: Incident) -> None:
    """A room was closed: remind whoever holds the desk, or the lead, that those who wait have not heard of it."""
    desk = queries.desk(incident)
    person = desk.holder or incident.lead
    if person is not None and queries.owes_last_word(incident):
        text = f"Incident {incident.pk}, {incident.title}, is closed. Those outside have not heard that it is over."
        _mail(desk, person, "The last word is missing", text)


def check(word: Word) -> Word:
    """Return an update that can be said as it is written. Raises BadInput."""
    if word.stage not in Stage.values:
        raise BadInput("stage", f"must be one of {', '.join(Stage.values)}", status=422)
    text = word.text.strip()
    if not text:
        raise BadInput("text", "say in a sentence what those who wait should know", status=422)
    if len(text) > MAX_TEXT:
        raise BadInput("text", f"is longer than {MAX_TEXT} characters", status=422)
    _check_wait(word.next_word)
    if word.is_public:
        _check_public(word)
    elif word.states:
        raise BadInput("is_public", "only a public update says how components are", status=422)
    return word


def _check_public(word: Word) -> None:
    if not queries.page().is_on:
        raise BadInput("is_public", "there is no public status page; it can be set up", status=422)
    check_line(word.headline, "headline", MAX_HEADLINE)
    if any(state not in ServiceState.values for state in word.states.values()):
        raise BadInput("states", f"must be one of {', '.join(ServiceState.values)}", status=422)
    known = set(queries.components().filter(pk__in=word.states).values_list("pk", flat=True))
    if set(word.states) - known:
        raise BadInput("states", "names a component that is not on the page", status=422)


@atomic
def say(incident: Incident, word: Word, *, by: Person) -> StatusUpdate:
    """Tell those who wait. The same key says it once. Raises BadInput, and Conflict when somebody was faster."""
    check(word)
    if word.is_public and not queries.may_go_out(incident):
        raise BadInput("is_public", "this incident is private; nothing of it goes out", status=422)
    desk, key = _locked(incident), key_of(word.key)
    if found := StatusUpdate.objects.filter(incident=incident, key=key).first():
        return found
    last = StatusUpdate.objects.filter(incident=incident).order_by("-number").first()
    number = last.number if last else 0
    if word.seen is not None and word.seen != number:
        raise Conflict("Somebody told those outside something meanwhile. Read it, then say what is still missing.")
    _promise(desk, word.next_word)
    made = StatusUpdate.objects.create(
        incident=incident,
        number=number + 1,
        key=key,
        stage=word.stage,
        text=clean_text(word.text.strip()),
        by=by,
        at=now(),
        next_word_at=desk.next_word_at,
        is_public=word.is_public,
        headline=line(word.headline) if word.is_public else "",
    )
    states = [
        ComponentWord(component_id=pk, update=made, state=state, by=by, at=made.at) for pk, state in word.states.items()
    ]
    ComponentWord.objects.bulk_create(states)
    said = events.UpdateSaid(
        update=made.pk,
        incident=incident.pk,
        number=made.number,
        key=made.key,
        stage=made.stage,
        text=made.text,
        person=by.pk,
        said_at=made.at,
        next_word_at=made.next_word_at,
        is_public=made.is_public,
        headline=made.headline,
        states=[events.StateSaid(component=one.component_id, state=one.state) for one in states],
    )
    timeline.append(said, actor=by, about=[desk, incident, made])
    asking.answer_with(made)
    if made.is_public:
        publish_soon()
        spread_soon(made)
    return made


@atomic
def withdraw(update: StatusUpdate, *, by: Person) -> StatusUpdate:
    """Take a public update off the status page; what was not sent yet is not sent. Safe to call twice."""
    at, public = now(), StatusUpdate.objects.filter(pk=update.pk, is_public=True, withdrawn_at__isnull=True)
    if public.update(withdrawn_at=at, withdrawn_by=by):
        withdrawn = events.UpdateWithdrawn(update=update.pk, person=by.pk, withdrawn_at=at)
        timeline.append(withdrawn, actor=by, about=[f"desk:{update.incident_id}", update])
        publish_soon()
    update.refresh_from_db()
    return update


def _locked(incident: Incident) -> Desk:
    """Return the desk of a room, held until the end of the transaction."""
    Desk.objects.get_or_create(incident=incident)
    return Desk.objects.select_for_update(no_key=True, of=("self",)).select_related("incident").get(pk=incident.pk)


def _utc(desk: Desk) -> str:
    return f"{when(desk.next_word_at, UTC, at=now())} UTC" if desk.next_word_at else ""


def _mail(desk: Desk, to: Person, subject: str, text: str) -> None:
    if not privacy.may_know(to, desk.incident):
        return
    link = f"{config().public_url}/incidents/{desk.pk}/outside/"
    mail.write(to.email, subject=f"{subject}: incident {desk.pk}", text=f"{text}\n\n{link}\n", about=desk)
