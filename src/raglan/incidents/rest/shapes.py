"""What REST of incidents takes and gives in more than one place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from raglan.config import config
from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Schema
from raglan.core.schema import Slug
from raglan.incidents import queries, severities
from raglan.incidents.catching_up import Card, Told
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

Slugs = Annotated[list[Slug], Field(max_length=50)]


class IncidentOut(Schema):
    """An incident, briefly."""

    id: int
    title: str
    state: str
    kind: str
    severity: str
    service_state: str
    state_words: str
    lead: str | None
    declared_at: datetime
    closed_at: datetime | None
    is_private: bool
    merged_into: int | None
    url: str


class HereOut(Schema):
    """Somebody in the room."""

    person_id: int
    name: str
    doing: str
    offer: str
    offer_until: datetime | None


class IncidentDetail(IncidentOut):
    """An incident with where it stands and who is here."""

    summary: str
    know: list[str]
    trying: list[str]
    unknown: list[str]
    standing_version: int
    next_update_at: datetime | None
    here: list[HereOut]
    severity_words: str
    kept: str
    scribe: str | None
    services: list[str]
    group_ids: list[int]
    page_ids: list[int]


class AnswerOut(Schema):
    """One answer to a verification."""

    person: str
    answer: str
    text: str
    at: datetime


class AlikeOut(Schema):
    """Somebody else who said at the same time that they are doing the same; `url` is that entry, however old."""

    entry_id: int
    author: str
    text: str
    at: datetime
    url: str


class EarlierOut(Schema):
    """What an entry said before it was corrected."""

    text: str
    until: datetime


class OutcomeOut(Schema):
    """An outcome that was told under an entry before another one."""

    person: str
    text: str
    result: str
    until: datetime


class ToldOut(Schema):
    """One thing out of the log."""

    who: str
    text: str
    at: datetime | None
    entry_id: int
    outcome: str


class CatchUpOut(Schema):
    """What the log says to somebody who comes late; of what was tried and ruled out the newest, and how many in all."""

    first: list[ToldOut]
    known: list[ToldOut]
    tried: list[ToldOut]
    ruled_out: list[ToldOut]
    decided: list[ToldOut]
    not_reachable: list[ToldOut]
    risky: list[ToldOut]
    under_way: list[ToldOut]
    who_is_on_what: list[ToldOut]
    wanted: list[ToldOut]
    tasks: list[str]
    tried_in_all: int
    ruled_out_in_all: int


class FileOut(Schema):
    """A picture or file at an entry."""

    id: int
    name: str
    content_type: str
    size: int


class EntryOut(Schema):
    """One entry of the timeline."""

    id: int
    key: str
    kind: str
    text: str
    author: str
    at: datetime
    ask_state: str
    to_team: str | None
    to_person: str | None
    to_topic: str
    ping_at: datetime | None
    pinged_at: datetime | None
    taken_by: str | None
    outcome: str
    result: str
    alike: list[AlikeOut]
    answers: list[AnswerOut]
    corrected_at: datetime | None
    came_from: int | None
    earlier: list[EarlierOut]
    outcomes_before: list[OutcomeOut]
    risky_by: str | None
    risky_at: datetime | None
    helped: list[str]
    files: list[FileOut]


def person_by_id(pk: int | None, field: str) -> Person | None:
    """Return a person by their number. Raises BadInput."""
    if pk is None:
        return None
    person = Person.objects.filter(pk=pk, is_active=True).first()
    if person is None:
        raise BadInput(field, "there is no such person", status=422)
    return person


def entry_by_id(entry_id: int) -> Entry:
    """Return an entry. Raises NotFound."""
    entry = Entry.objects.select_related("incident", "author", "taken_by").filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("There is no such entry.")
    return entry


def url(incident_id: int) -> str:
    """Return the address of a room."""
    return f"{config().public_url}/incidents/{incident_id}/"


def fields(incident: Incident) -> dict[str, object]:
    """Return what is told briefly of an incident."""
    return {
        "id": incident.pk,
        "title": incident.title,
        "state": incident.state,
        "kind": incident.kind,
        "severity": incident.severity,
        "service_state": incident.service_state,
        "state_words": incident.state_words,
        "lead": incident.lead.name if incident.lead else None,
        "declared_at": incident.declared_at,
        "closed_at": incident.closed_at,
        "is_private": incident.is_private,
        "merged_into": incident.merged_into_id,
        "url": url(incident.pk),
    }


def detail(incident: Incident) -> IncidentDetail:
    """Return an incident with where it stands and who is here."""
    incident = queries.incident(incident.pk)
    here = [
        HereOut(
            person_id=item.person_id,
            name=item.person.name,
            doing=item.doing,
            offer=item.offer,
            offer_until=item.offer_until,
        )
        for item in queries.here(incident).responders
    ]
    more = {
        "summary": incident.summary,
        "know": incident.know,
        "trying": incident.trying,
        "unknown": incident.unknown,
        "standing_version": incident.standing_version,
        "next_update_at": incident.next_update_at,
        "here": here,
        "severity_words": severities.words_of(incident.severity),
        "kept": incident.kept,
        "scribe": incident.scribe.name if incident.scribe else None,
        "services": list(incident.services.order_by("slug").values_list("slug", flat=True)),
        "group_ids": list(queries.groups_of(incident).values_list("pk", flat=True)),
        "page_ids": list(incident.followed_pages.order_by("page").values_list("page", flat=True)),
    }
    return IncidentDetail.model_validate(fields(incident) | more)


def catch_up_out(card: Card) -> CatchUpOut:
    """Return the card for whoever comes late as it is told."""
    wanted = [
        ToldOut(
            who=ask.entry.author.name if ask.entry.author else "raglan",
            text=ask.entry.text,
            at=ask.entry.at,
            entry_id=ask.entry.pk,
            outcome=f"{ask.entry.taken_by.name} is on it" if ask.entry.taken_by else "",
        )
        for ask in card.wanted
    ]
    return CatchUpOut(
        first=_told(card.first),
        known=_told(card.known),
        tried=_told(card.tried),
        ruled_out=_told(card.ruled_out),
        decided=_told(card.decided),
        not_reachable=_told(card.tools),
        risky=_told(card.risks),
        under_way=_told(card.under_way),
        who_is_on_what=_told(card.threads),
        wanted=wanted,
        tasks=[task.text for task in card.tasks],
        tried_in_all=card.tried_in_all,
        ruled_out_in_all=card.ruled_out_in_all,
    )


def _told(told: Sequence[Told]) -> list[ToldOut]:
    return [
        ToldOut(who=item.who, text=item.text, at=item.at, entry_id=item.entry, outcome=item.outcome) for item in told
    ]


def entry_now(entry: Entry) -> EntryOut:
    """Return an entry as it is told after an act."""
    return entry_out(queries.entry(entry.pk))


def entry_out(entry: Entry) -> EntryOut:
    """Return an entry as it is told; `queries.entries` and `queries.entry` fetch what hangs under it."""
    answers = [
        AnswerOut(person=item.person.name, answer=item.side, text=item.text, at=item.at) for item in entry.answers.all()
    ]
    alike = [
        AlikeOut(
            entry_id=item.other_id,
            author=item.other.author.name if item.other.author else "",
            text=item.other.text,
            at=item.other.at,
            url=f"{config().public_url}/entries/{item.other_id}/",
        )
        for item in entry.alikes.all()
    ]
    return EntryOut(
        id=entry.pk,
        key=entry.key,
        kind=entry.kind,
        text=entry.text,
        author=entry.who,
        at=entry.at,
        ask_state=entry.ask_state,
        to_team=entry.to_team.slug if entry.to_team else None,
        to_person=entry.to_person.name if entry.to_person else None,
        to_topic=entry.to_topic,
        ping_at=entry.ping_at,
        pinged_at=entry.pinged_at,
        taken_by=entry.taken_by.name if entry.taken_by else None,
        outcome=entry.outcome,
        result=entry.result,
        alike=alike,
        answers=answers,
        corrected_at=entry.corrected_at,
        came_from=entry.came_from_id,
        earlier=[EarlierOut(text=item.text, until=item.until) for item in entry.earlier.all() if not item.is_outcome],
        outcomes_before=[
            OutcomeOut(person=item.by.name if item.by else "", text=item.text, result=item.result, until=item.until)
            for item in entry.earlier.all()
            if item.is_outcome
        ],
        risky_by=entry.risky_by.name if entry.risky_by else None,
        risky_at=entry.risky_at,
        helped=[item.person.name for item in entry.helped.all()],
        files=[
            FileOut(id=item.pk, name=item.name, content_type=item.content_type, size=item.size)
            for item in entry.attachments.all()
        ],
    )
