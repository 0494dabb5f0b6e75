"""REST of the timeline: entries, asks, verifications."""

from datetime import timedelta
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import File, Status
from ninja.files import UploadedFile
from pydantic import AfterValidator, Field, StringConstraints

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.core.rest import Router
from raglan.core.schema import Body, Cursor, Id, Limit, ShortText, Slug, Text
from raglan.incidents import actions, files, queries
from raglan.incidents.models import Entry
from raglan.incidents.rest.shapes import EntryOut, entry_by_id, entry_now, entry_out, person_by_id
from raglan.people.access import Scope, principal, require_scope
from raglan.people.queries import named_team
from raglan.people.rest.caller import responder

router = Router()
LongText = Annotated[str, StringConstraints(max_length=300_000), AfterValidator(clean_text)]
Spoken = Literal["note", "doing", "ask", "verify", "found", "decided", "tried", "ruled_out", "stuck"]


class IfNobodyIn(Body):
    """What happens when nobody takes an ask: whom it pages after a while; with nobody named, nothing more."""

    after_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 5
    page_person_id: Id | None = None
    page_team: Slug | None = None


class WhyIn(Body):
    """A word on why, if there is one."""

    why: Text = ""


class EntryIn(Body):
    """What is said. The same key posts once. A text of more than 20,000 characters becomes a file of the entry."""

    key: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""
    kind: Spoken | Literal["machine"] = "note"
    text: LongText
    to_team: Slug | None = None
    to_person_id: Id | None = None
    to_topic: ShortText = ""
    if_nobody: IfNobodyIn | None = None
    author_words: ShortText = ""


class CorrectIn(Body):
    """The better words."""

    text: Text


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
    show: Literal["everything", "people", "asks", "tried", "ruled_out"] = "everything",
    after: Cursor = 0,
    limit: Limit = 200,
    order: Literal["arrival", "written"] = "arrival",
) -> list[EntryOut]:
    """Return entries, oldest first; `after` is the id to go on from.

    By `arrival` nothing that comes later is missed. As `written` is the order of the room: what was written before a
    gap and came after it stands where it belongs. An act joins `tried` once its outcome is told, under the id that it
    has: whoever follows reads all of `tried` anew, or follows `everything`.
    """
    found = queries.entries(queries.incident(incident_id), show=show, oldest_first=True)
    found = queries.written_after(found, after) if order == "written" else found.filter(pk__gt=after).order_by("pk")
    return [entry_out(entry) for entry in found[:limit]]


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
        to_team=named_team(data.to_team, "to_team"),
        to_person=person_by_id(data.to_person_id, "to_person_id"),
        to_topic=data.to_topic,
        if_nobody=_if_nobody(data.if_nobody),
        author_words=data.author_words if data.kind == "machine" else "",
    )
    entry = actions.post(
        queries.incident(incident_id), actions.whole(said), by=None if data.kind == "machine" else person
    )
    return Status(201, entry_now(entry))


@router.get("/entries/{entry_id}", response=EntryOut, operation_id="get_entry", summary="One entry")
def get_entry(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Return an entry whole, with what it said earlier."""
    return entry_out(queries.entry(entry_id))


@router.post("/entries/{entry_id}/correct", response=EntryOut, operation_id="correct_entry", summary="Say it better")
def correct_entry(request: HttpRequest, entry_id: Cursor, data: CorrectIn) -> EntryOut:
    """Correct an entry of one's own; the earlier text stays readable."""
    return entry_now(actions.correct(entry_by_id(entry_id), data.text, by=responder(request)))


@router.post("/entries/{entry_id}/files", response=EntryOut, operation_id="attach_files", summary="Pictures and files")
def attach_files(request: HttpRequest, entry_id: Cursor, uploads: File[list[UploadedFile]]) -> EntryOut:
    """Add files to an entry of one's own, as `multipart/form-data`; the same content hangs at it once."""
    sent = [files.taken(upload) for upload in uploads]
    return entry_now(actions.attach(entry_by_id(entry_id), sent, by=responder(request)))


@router.get("/files/{file_id}", operation_id="get_file", summary="One file")
def get_file(request: HttpRequest, file_id: Cursor) -> HttpResponse:
    """Return the bytes of a file."""
    return files.serve(request, file_id)


@router.post("/entries/{entry_id}/helped", response=EntryOut, operation_id="mark_helped", summary="It helped")
def mark_helped(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Say that somebody else's entry helped."""
    return entry_now(actions.mark_helped(entry_by_id(entry_id), by=responder(request)))


@router.delete(
    "/entries/{entry_id}/helped", response=EntryOut, operation_id="take_helped_back", summary="Take Helped back"
)
def take_helped_back(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Take back that an entry helped."""
    return entry_now(actions.take_helped_back(entry_by_id(entry_id), by=responder(request)))


@router.post("/entries/{entry_id}/risky", response=EntryOut, operation_id="mark_risky", summary="It is risky now")
def mark_risky(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Say that what an entry says is risky now; the card for whoever comes late names it."""
    return entry_now(actions.mark_risky(entry_by_id(entry_id), by=responder(request)))


@router.delete("/entries/{entry_id}/risky", response=EntryOut, operation_id="end_risk", summary="Not risky any more")
def end_risk(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Say that what an entry says is not risky any more."""
    return entry_now(actions.end_risk(entry_by_id(entry_id), by=responder(request)))


def _if_nobody(data: IfNobodyIn | None) -> actions.IfNobody | None:
    if data is None:
        return None
    return actions.IfNobody(
        timedelta(minutes=data.after_minutes),
        person_by_id(data.page_person_id, "if_nobody.page_person_id"),
        named_team(data.page_team, "if_nobody.page_team"),
    )


@router.post("/entries/{entry_id}/outcome", response=EntryOut, operation_id="tell_outcome", summary="What happened")
def tell_outcome(request: HttpRequest, entry_id: Cursor, data: OutcomeIn) -> EntryOut:
    """Hang the outcome under an entry; one that was told before stays among its earlier outcomes."""
    told = actions.tell_outcome(entry_by_id(entry_id), data.text, by=responder(request), result=data.result)
    return entry_now(told)


@router.post("/entries/{entry_id}/take", response=EntryOut, operation_id="take_ask", summary="I can help")
def take_ask(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Take an ask."""
    return entry_now(actions.take_ask(entry_by_id(entry_id), by=responder(request)))


@router.post(
    "/entries/{entry_id}/hand-back", response=EntryOut, operation_id="hand_back", summary="I can not after all"
)
def hand_back(request: HttpRequest, entry_id: Cursor, data: WhyIn) -> EntryOut:
    """Hand an ask back that one took; it waits again."""
    return entry_now(actions.hand_back(entry_by_id(entry_id), by=responder(request), why=data.why))


@router.post("/entries/{entry_id}/answers", response=EntryOut, operation_id="answer", summary="Answer a verification")
def answer(request: HttpRequest, entry_id: Cursor, data: AnswerIn) -> EntryOut:
    """Answer yes or no; answering again changes the answer."""
    entry = entry_by_id(entry_id)
    actions.answer(entry, data.answer, by=responder(request), text=data.text)
    return entry_now(entry)


@router.post("/entries/{entry_id}/close", response=EntryOut, operation_id="close_ask", summary="It waits no more")
def close_ask(request: HttpRequest, entry_id: Cursor) -> EntryOut:
    """Close an ask, a verification or an intention."""
    return entry_now(actions.close_ask(entry_by_id(entry_id), by=responder(request)))
