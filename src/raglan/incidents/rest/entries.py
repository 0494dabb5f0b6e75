"""REST of the timeline: entries, asks, verifications."""

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from raglan.core.errors import BadInput
from raglan.core.schema import Body, Cursor, Limit, ShortText, Slug, Text
from raglan.incidents import actions, queries
from raglan.incidents.models import Entry
from raglan.incidents.rest.shapes import EntryOut, entry_by_id, entry_out, responder, team
from raglan.people.access import Scope, principal, require_scope

router = Router()
Spoken = Literal["note", "doing", "ask", "verify", "found", "decided", "tried", "ruled_out", "stuck"]


class EntryIn(Body):
    """What is said. The same key posts once."""

    key: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""
    kind: Spoken | Literal["machine"] = "note"
    text: Text
    to_team: Slug | None = None
    author_words: ShortText = ""


class OutcomeIn(Body):
    """What happened: words, a result, or both."""

    text: Text = ""
    result: Literal["", "worked", "nothing", "worse", "given_up"] = ""


class AnswerIn(Body):
    """One tap, and words if there are any."""

    answer: Literal["yes", "no"]
    text: Text = ""


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
    return [entry_out(entry) for entry in found.order_by("pk")[:limit]]


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
        to_team=team(data.to_team),
        author_words=data.author_words if data.kind == "machine" else "",
    )
    entry = actions.post(queries.incident(incident_id), said, by=None if data.kind == "machine" else person)
    return Status(201, entry_out(entry))


@router.post("/entries/{entry_id}/outcome", response=EntryOut, operation_id="tell_outcome", summary="What happened")
def tell_outcome(request: HttpRequest, entry_id: Cursor, data: OutcomeIn) -> EntryOut:
    """Hang the outcome under an entry."""
    told = actions.tell_outcome(entry_by_id(entry_id), data.text, by=responder(request), result=data.result)
    return entry_out(told)


@router.post("/entries/{entry_id}/take", response=EntryOut, operation_id="take_ask", summary="I can help")
def take_ask(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Take an ask."""
    return entry_out(actions.take_ask(entry_by_id(entry_id), by=responder(request)))


@router.post("/entries/{entry_id}/answers", response=EntryOut, operation_id="answer", summary="Answer a verification")
def answer(request: HttpRequest, entry_id: Cursor, data: AnswerIn) -> EntryOut:
    """Answer yes or no; answering again changes the answer."""
    entry = entry_by_id(entry_id)
    actions.answer(entry, data.answer, by=responder(request), text=data.text)
    return entry_out(entry)


@router.post("/entries/{entry_id}/close", response=EntryOut, operation_id="close_ask", summary="It waits no more")
def close_ask(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Close an ask, a verification or an intention."""
    return entry_out(actions.close_ask(entry_by_id(entry_id), by=responder(request)))
