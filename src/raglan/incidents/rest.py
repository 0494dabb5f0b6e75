"""REST of incidents: heads-up, the room, asks, verifications, where it stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.config import config
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.core.schema import Body, Cursor, Id, Limit, Line, ShortText, Slug, Text
from raglan.incidents import actions, queries
from raglan.incidents.models import Entry, Incident
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person, Team

router = Router(tags=["incidents"])
Lines = Annotated[list[ShortText], Field(max_length=20)]
Slugs = Annotated[list[Slug], Field(max_length=50)]


class HeadsUpIn(Body):
    """Only the text is needed."""

    text: Text
    services: Slugs = []
    did: Text = ""
    saw: Text = ""
    reach: Text = ""
    need: Text = ""


class HeadsUpOut(Schema):
    """The heads-up and its room."""

    heads_up_id: int
    incident_id: int
    url: str
    told: list[str]
    thanks: str


class ThanksIn(Body):
    """Words of thanks; empty ones bring back raglan's own."""

    words: ShortText


class ThanksOut(Schema):
    """The words that thank for a heads-up."""

    words: str


class IncidentIn(Body):
    """A new room."""

    title: Line
    severity: Literal["sev1", "sev2", "sev3", "sev4", "unknown"] = "unknown"
    services: Slugs = []
    state_words: ShortText = ""
    group_ids: Annotated[list[Id], Field(max_length=200)] = []


class NameIn(Body):
    """What an incident is called from now on; what is left out stays."""

    title: Line | None = None
    severity: Literal["sev1", "sev2", "sev3", "sev4", "unknown"] | None = None


class IncidentOut(Schema):
    """An incident, briefly."""

    id: int
    title: str
    state: str
    severity: str
    service_state: str
    state_words: str
    lead: str | None
    declared_at: datetime
    closed_at: datetime | None
    url: str


class HereOut(Schema):
    """Somebody in the room."""

    person_id: int
    name: str
    doing: str


class IncidentDetail(IncidentOut):
    """An incident with where it stands and who is here."""

    summary: str
    know: list[str]
    trying: list[str]
    unknown: list[str]
    standing_version: int
    next_update_at: datetime | None
    here: list[HereOut]
    services: list[str]
    group_ids: list[int]


class AnswerOut(Schema):
    """One answer to a verification."""

    person: str
    answer: str
    text: str
    at: datetime


class EntryOut(Schema):
    """One entry of the timeline."""

    id: int
    key: str
    kind: str
    text: str
    author: str
    at: datetime
    ask_state: str
    taken_by: str | None
    outcome: str
    answers: list[AnswerOut]


class EntryIn(Body):
    """What is said. The same key posts once."""

    key: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""
    kind: Literal["note", "doing", "ask", "verify", "found", "decided", "machine"] = "note"
    text: Text
    to_team: Slug | None = None
    author_words: ShortText = ""


class WordsIn(Body):
    """A few words."""

    text: Text


class AnswerIn(Body):
    """One tap, and words if there are any."""

    answer: Literal["yes", "no"]
    text: Text = ""


class StandingIn(Body):
    """Where it stands."""

    summary: Text
    know: Lines = []
    trying: Lines = []
    unknown: Lines = []
    state: Literal["down", "slow", "fine", "unknown"] = "unknown"
    state_words: ShortText = ""
    next_update_minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] | None = None
    seen_version: Cursor | None = None


class HereIn(Body):
    """What one is on."""

    doing: ShortText = ""


class LeadIn(Body):
    """Who leads."""

    person_id: Id


class GroupsIn(Body):
    """Which alert groups belong to it."""

    group_ids: Annotated[list[Id], Field(min_length=1, max_length=200)]


class StandDownIn(Body):
    """Closing words."""

    summary: Text = ""


class ReopenIn(Body):
    """Why it goes on."""

    why: Text = ""


@router.post("/heads-up", response={201: HeadsUpOut}, operation_id="heads_up", summary="I think I broke something")
def heads_up(request: HttpRequest, data: HeadsUpIn) -> Status[HeadsUpOut]:
    """Tell everyone at once and nudge whoever is on call."""
    by = _responder(request)
    warned = actions.Warned(
        text=data.text, did=data.did, saw=data.saw, reach=data.reach, need=data.need, services=_services(data.services)
    )
    given = actions.give_heads_up(warned, by=by)
    out = HeadsUpOut(
        heads_up_id=given.pk,
        incident_id=given.incident_id or 0,
        url=_url(given.incident_id or 0),
        told=[person.name for person in queries.told_of(given, now())],
        thanks=queries.thanks(),
    )
    return Status(201, out)


@router.get("/heads-up/thanks", response=ThanksOut, operation_id="show_thanks", summary="Words of thanks")
def show_thanks(request: HttpRequest) -> ThanksOut:
    """Return the words that thank for a heads-up."""
    return ThanksOut(words=queries.thanks())


@router.put("/heads-up/thanks", response=ThanksOut, operation_id="change_thanks", summary="Choose the words of thanks")
def change_thanks(request: HttpRequest, data: ThanksIn) -> ThanksOut:
    """Choose the words that thank for a heads-up."""
    require_scope(request, Scope.CONFIGURE)
    return ThanksOut(words=actions.change_thanks(data.words, by=principal(request).actor))


@router.get("/incidents", response=list[IncidentOut], operation_id="list_incidents", summary="Incidents")
def list_incidents(
    request: HttpRequest, state: Literal["", "open", "closed"] = "", before: Cursor = 0, limit: Limit = 100
) -> list[IncidentOut]:
    """Return incidents, newest first; `before` is the id to go on from."""
    found = queries.incidents(state=state).order_by("-pk")
    return [
        IncidentOut.model_validate(_fields(item)) for item in (found.filter(pk__lt=before) if before else found)[:limit]
    ]


@router.post("/incidents", response={201: IncidentDetail}, operation_id="declare", summary="Something is wrong")
def declare(request: HttpRequest, data: IncidentIn) -> Status[IncidentDetail]:
    """Open a room."""
    by = _responder(request)
    incident = actions.declare(
        data.title, by=by, severity=data.severity, services=_services(data.services), state_words=data.state_words
    )
    if data.group_ids:
        actions.join_groups(incident, list(AlertGroup.objects.filter(pk__in=data.group_ids)), by=by)
    return Status(201, _detail(incident))


@router.get("/incidents/{incident_id}", response=IncidentDetail, operation_id="get_incident", summary="One incident")
def get_incident(request: HttpRequest, incident_id: Cursor) -> IncidentDetail:
    """Return where it stands and who is here."""
    return _detail(queries.incident(incident_id))


@router.get(
    "/incidents/{incident_id}/timeline", response=list[EntryOut], operation_id="get_timeline", summary="The timeline"
)
def get_timeline(
    request: HttpRequest,
    incident_id: Cursor,
    show: Literal["everything", "people", "asks"] = "everything",
    after: Cursor = 0,
    limit: Limit = 200,
) -> list[EntryOut]:
    """Return entries, oldest first; `after` is the id to go on from."""
    found = queries.entries(queries.incident(incident_id), show=show, oldest_first=True).filter(pk__gt=after)
    return [_entry_out(entry) for entry in found.order_by("pk")[:limit]]


@router.post(
    "/incidents/{incident_id}/entries", response={201: EntryOut}, operation_id="post_entry", summary="Post to the room"
)
def post_entry(request: HttpRequest, incident_id: Cursor, data: EntryIn) -> Status[EntryOut]:
    """Post an entry; sending the same key again returns what is there."""
    require_scope(request, Scope.RESPOND)
    person = principal(request).person
    if person is None and data.kind != "machine":
        raise BadInput("kind", "a token that belongs to nobody may post machine entries only", status=422)
    said = actions.Said(
        kind=Entry.Kind(data.kind),
        text=data.text,
        key=data.key,
        to_team=_team(data.to_team),
        author_words=data.author_words if data.kind == "machine" else "",
    )
    entry = actions.post(queries.incident(incident_id), said, by=None if data.kind == "machine" else person)
    return Status(201, _entry_out(entry))


@router.post("/entries/{entry_id}/outcome", response=EntryOut, operation_id="tell_outcome", summary="What happened")
def tell_outcome(request: HttpRequest, entry_id: Cursor, data: WordsIn) -> EntryOut:
    """Hang the outcome under an entry."""
    return _entry_out(actions.tell_outcome(_entry(entry_id), data.text, by=_responder(request)))


@router.post("/entries/{entry_id}/take", response=EntryOut, operation_id="take_ask", summary="I can help")
def take_ask(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Take an ask."""
    return _entry_out(actions.take_ask(_entry(entry_id), by=_responder(request)))


@router.post("/entries/{entry_id}/answers", response=EntryOut, operation_id="answer", summary="Answer a verification")
def answer(request: HttpRequest, entry_id: Cursor, data: AnswerIn) -> EntryOut:
    """Answer yes or no; answering again changes the answer."""
    entry = _entry(entry_id)
    actions.answer(entry, data.answer, by=_responder(request), text=data.text)
    return _entry_out(entry)


@router.post("/entries/{entry_id}/close", response=EntryOut, operation_id="close_ask", summary="It waits no more")
def close_ask(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Close an ask, a verification or an intention."""
    return _entry_out(actions.close_ask(_entry(entry_id), by=_responder(request)))


@router.post(
    "/incidents/{incident_id}/standing",
    response=IncidentDetail,
    operation_id="write_standing",
    summary="Where it stands",
)
def write_standing(request: HttpRequest, incident_id: Cursor, data: StandingIn) -> IncidentDetail:
    """Write where it stands; 409 when `seen_version` is not the newest."""
    minutes = data.next_update_minutes
    standing = actions.Standing(
        summary=data.summary,
        know=data.know,
        trying=data.trying,
        unknown=data.unknown,
        service_state=data.state,
        state_words=data.state_words,
        next_update=timedelta(minutes=minutes) if minutes else None,
        seen_version=data.seen_version,
    )
    return _detail(actions.write_standing(queries.incident(incident_id), standing, by=_responder(request)))


@router.post(
    "/incidents/{incident_id}/name", response=IncidentDetail, operation_id="rename", summary="Other words or severity"
)
def rename(request: HttpRequest, incident_id: Cursor, data: NameIn) -> IncidentDetail:
    """Change the title, the severity or both; the timeline keeps the earlier title."""
    incident = queries.incident(incident_id)
    title, severity = data.title or incident.title, data.severity or incident.severity
    return _detail(actions.rename(incident, title, severity=severity, by=_responder(request)))


@router.post("/incidents/{incident_id}/here", response=IncidentDetail, operation_id="be_here", summary="I am here")
def be_here(request: HttpRequest, incident_id: Cursor, data: HereIn) -> IncidentDetail:
    """Join the room, or say what one is on."""
    incident = queries.incident(incident_id)
    actions.be_here(incident, by=_responder(request), doing=data.doing)
    return _detail(incident)


@router.post("/incidents/{incident_id}/leave", response=IncidentDetail, operation_id="leave", summary="I leave")
def leave(request: HttpRequest, incident_id: Cursor) -> IncidentDetail:
    """Leave the room."""
    incident = queries.incident(incident_id)
    actions.leave(incident, by=_responder(request))
    return _detail(incident)


@router.post("/incidents/{incident_id}/lead", response=IncidentDetail, operation_id="take_lead", summary="Who leads")
def take_lead(request: HttpRequest, incident_id: Cursor, data: LeadIn) -> IncidentDetail:
    """Give the lead to a person."""
    by = _responder(request)
    person = Person.objects.filter(pk=data.person_id, is_active=True).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    return _detail(actions.take_lead(queries.incident(incident_id), person, by=by))


@router.post(
    "/incidents/{incident_id}/join-alerts",
    response=IncidentDetail,
    operation_id="join_alerts",
    summary="Join alert groups",
)
def join_alerts(request: HttpRequest, incident_id: Cursor, data: GroupsIn) -> IncidentDetail:
    """Join alert groups to an incident."""
    incident = queries.incident(incident_id)
    actions.join_groups(incident, list(AlertGroup.objects.filter(pk__in=data.group_ids)), by=_responder(request))
    return _detail(incident)


@router.post(
    "/incidents/{incident_id}/stand-down",
    response=IncidentDetail,
    operation_id="stand_down",
    summary="Close the incident",
)
def stand_down(request: HttpRequest, incident_id: Cursor, data: StandDownIn) -> IncidentDetail:
    """Stand down; a review is drafted."""
    return _detail(actions.stand_down(queries.incident(incident_id), by=_responder(request), words=data.summary))


@router.post("/incidents/{incident_id}/reopen", response=IncidentDetail, operation_id="reopen", summary="Reopen")
def reopen(request: HttpRequest, incident_id: Cursor, data: ReopenIn) -> IncidentDetail:
    """Go on."""
    return _detail(actions.reopen(queries.incident(incident_id), by=_responder(request), why=data.why))


def _responder(request: HttpRequest) -> Person:
    require_scope(request, Scope.RESPOND)
    person = principal(request).person
    if person is None:
        raise BadInput("token", "belongs to nobody; the room wants to know who speaks", status=422)
    return person


def _services(slugs: Sequence[str]) -> list[Service]:
    found = {service.slug: service for service in Service.objects.filter(slug__in=slugs)}
    for number, slug in enumerate(slugs):
        if slug not in found:
            raise BadInput(f"services[{number}]", f"there is no service {slug}", status=422)
    return list(found.values())


def _team(slug: str | None) -> Team | None:
    if slug is None:
        return None
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise BadInput("to_team", "there is no such team", status=422)
    return team


def _entry(entry_id: int) -> Entry:
    entry = Entry.objects.select_related("incident", "author", "taken_by").filter(pk=entry_id).first()
    if entry is None:
        raise NotFound("There is no such entry.")
    return entry


def _url(incident_id: int) -> str:
    return f"{config().public_url}/incidents/{incident_id}/"


def _fields(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.pk,
        "title": incident.title,
        "state": incident.state,
        "severity": incident.severity,
        "service_state": incident.service_state,
        "state_words": incident.state_words,
        "lead": incident.lead.name if incident.lead else None,
        "declared_at": incident.declared_at,
        "closed_at": incident.closed_at,
        "url": _url(incident.pk),
    }


def _detail(incident: Incident) -> IncidentDetail:
    incident = queries.incident(incident.pk)
    here = [
        HereOut(person_id=item.person_id, name=item.person.name, doing=item.doing)
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
        "services": list(incident.services.order_by("slug").values_list("slug", flat=True)),
        "group_ids": list(queries.groups_of(incident).values_list("pk", flat=True)),
    }
    return IncidentDetail.model_validate(_fields(incident) | more)


def _entry_out(entry: Entry) -> EntryOut:
    answers = [
        AnswerOut(person=item.person.name, answer=item.side, text=item.text, at=item.at)
        for item in entry.answers.select_related("person").order_by("at")
    ]
    return EntryOut(
        id=entry.pk,
        key=entry.key,
        kind=entry.kind,
        text=entry.text,
        author=entry.author.name if entry.author else entry.author_words or "raglan",
        at=entry.at,
        ask_state=entry.ask_state,
        taken_by=entry.taken_by.name if entry.taken_by else None,
        outcome=entry.outcome,
        answers=answers,
    )
