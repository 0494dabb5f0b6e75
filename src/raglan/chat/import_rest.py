"""REST of chats that were held elsewhere: look, bring in, see how far it is, take out again."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import AfterValidator, Field, StringConstraints

from raglan.chat import elsewhere, exported, imported_lines, importing, queries
from raglan.chat.models import ChatImport
from raglan.chat.words import link_of
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict, NotAllowed, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Instant, Line, ShortText
from raglan.incidents.models import Incident
from raglan.incidents.queries import incident as incident_of
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["chat"])
NOTHING_LEFT = {
    ChatImport.State.THERE: "All lines of this import are in the timeline already.",
    ChatImport.State.LEAVING: "This import is being taken out. Wait until it is out, then bring the chat in anew.",
    ChatImport.State.GONE: "This import was taken out. Bring the chat in anew.",
}


class ChatImportIn(Body):
    """A chat that was held elsewhere, and how it is to be read. `names` says who ids are.

    With `import_id` it is a further portion of an import that is there: all of them are taken out in one go. A chat of
    which all lines are there already makes no import, unless it `has_more`: then further portions follow.
    """

    text: Annotated[str, StringConstraints(min_length=1, max_length=900_000), AfterValidator(clean_text)]
    kind: Literal["auto", "slack", "matrix", "text", "raglan"] = "auto"
    zone: Annotated[str, StringConstraints(max_length=64)] = "UTC"
    day: date | None = None
    names: Annotated[dict[str, ShortText], Field(max_length=2000)] = {}
    import_id: Id | None = None
    has_more: bool = False


class ChatToldOut(Schema):
    """One line as it would stand in the timeline."""

    at: datetime
    author: str
    text: str
    is_known: bool


class FoundOut(Schema):
    """What was found in an export."""

    kind: str
    lines: list[ChatToldOut]
    new: int
    problems: list[str]


class BroughtOut(Schema):
    """How many lines are new, and how many were there already; of a long chat, so far: its `state` is `coming` then."""

    new: int
    known: int
    problems: list[str]
    import_id: int | None = None
    state: str = ChatImport.State.THERE


def _export(data: ChatImportIn) -> exported.Export:
    return exported.read(data.text, exported.Reading(data.kind, data.zone, data.day, data.names, until=now()))


@router.post(
    "/incidents/{incident_id}/chat-import/preview",
    response=FoundOut,
    operation_id="preview_chat_import",
    summary="Look at a chat first",
)
def preview_chat_import(request: HttpRequest, incident_id: Cursor, data: ChatImportIn) -> FoundOut:
    """Return what would come into the timeline; nothing is kept."""
    require_scope(request, Scope.RESPOND)
    found = _export(data)
    there = imported_lines.known(incident_of(incident_id), found.lines)
    lines = [
        ChatToldOut(at=line.at, author=line.author, text=line.text, is_known=imported_lines.key_of(line) in there)
        for line in found.lines
    ]
    return FoundOut(kind=found.kind, lines=lines[:500], new=len(lines) - len(there), problems=found.problems)


@router.post(
    "/incidents/{incident_id}/chat-import",
    response=BroughtOut,
    operation_id="import_chat",
    summary="Bring a chat in",
)
def import_chat(request: HttpRequest, incident_id: Cursor, data: ChatImportIn) -> BroughtOut:
    """Put a chat that was held elsewhere into the timeline; the same lines again add nothing."""
    require_scope(request, Scope.RESPOND)
    person = principal(request).person
    if person is None:
        raise NotAllowed("A token that belongs to nobody can not bring a chat in.")
    found, incident = _export(data), incident_of(incident_id)
    after = _after(data, incident)
    brought = importing.bring_in(incident, found.lines, by=person, after=after, kind=found.kind, has_more=data.has_more)
    return BroughtOut(problems=found.problems, **_brought(brought))


def _after(data: ChatImportIn, incident: Incident | None) -> ChatImport | None:
    """Return the import that goes on. Raises BadInput."""
    if data.import_id is None:
        return None
    found = ChatImport.objects.select_related("incident").filter(pk=data.import_id, incident__isnull=False).first()
    if found is None or (incident is not None and found.incident_id != incident.pk):
        raise BadInput("import_id", "is no import of this incident", status=422)
    return found


def _brought(brought: importing.Brought) -> dict[str, Any]:
    made = brought.chat_import
    state = made.state if made else ChatImport.State.THERE
    return {"new": brought.new, "known": brought.known, "import_id": made.pk if made else None, "state": state}


class PastIn(ChatImportIn):
    """An incident that happened elsewhere, with its chat. Without `began_at` it began with the first line."""

    title: Annotated[Line, StringConstraints(max_length=300)]
    began_at: Instant | None = None
    is_near_miss: bool = False
    closes: bool = True


class PastOut(BroughtOut):
    """The incident that was made for a chat, and what came in."""

    incident_id: int
    url: str


@router.post(
    "/chat-import",
    response=PastOut,
    operation_id="import_past_incident",
    summary="Bring in an incident that happened elsewhere",
)
def import_past_incident(request: HttpRequest, data: PastIn) -> PastOut:
    """Make an incident for a chat, as of when it began; the same title and beginning again goes on in the same one."""
    require_scope(request, Scope.RESPOND)
    person = principal(request).person
    if person is None:
        raise NotAllowed("A token that belongs to nobody can not bring a chat in.")
    found = _export(data)
    past = elsewhere.Past(data.title, data.began_at, data.is_near_miss, data.closes)
    after = _after(data, None)
    if after is not None:
        incident_of(after.incident_id or 0)  # one may know of it
    made, brought = elsewhere.bring_in(
        past, found.lines, by=person, after=after, kind=found.kind, has_more=data.has_more
    )
    return PastOut(problems=found.problems, incident_id=made.pk, url=link_of(made), **_brought(brought))


class ImportOut(Schema):
    """A chat that was brought in: how many of its lines are new, were there already, are out again, and stay."""

    id: int
    incident_id: int
    state: str
    platform: str
    total: int
    new: int
    known: int
    removed: int
    stay: int
    why: str
    by: str
    out_by: str | None
    made_at: datetime
    ended_at: datetime | None


NAMED = ("by", "out_by", "incident_id")


def _import_out(found: ChatImport) -> ImportOut:
    own = {name: getattr(found, name) for name in ImportOut.model_fields if name not in NAMED}
    out_by = found.out_by.name if found.out_by else None
    return ImportOut(**own, by=found.by.name, out_by=out_by, incident_id=found.incident_id or 0)


@router.get(
    "/incidents/{incident_id}/chat-imports",
    response=list[ImportOut],
    operation_id="list_chat_imports",
    summary="Chats that were brought in",
)
def list_chat_imports(request: HttpRequest, incident_id: Cursor) -> list[ImportOut]:
    """Return what was brought into a timeline, the newest first."""
    require_scope(request, Scope.READ)
    return [_import_out(found) for found in queries.imports_of(incident_of(incident_id))[:200]]


@router.get(
    "/chat-imports/{import_id}", response=ImportOut, operation_id="get_chat_import", summary="How far an import is"
)
def get_chat_import(request: HttpRequest, import_id: Cursor) -> ImportOut:
    """Return how far an import is."""
    require_scope(request, Scope.READ)
    return _import_out(_brought_in(import_id))


def _brought_in(pk: int) -> ChatImport:
    found = queries.chat_import(pk)
    if found.incident is None or found.state == ChatImport.State.LOOKED_AT:
        raise NotFound("There is no such import.")
    return found


@router.post(
    "/chat-imports/{import_id}/go-on",
    response=ImportOut,
    operation_id="go_on_with_chat_import",
    summary="Go on with an import",
)
def go_on_with_chat_import(request: HttpRequest, import_id: Cursor) -> ImportOut:
    """Let an import that stopped go on; 409 where nothing of it is left to come in."""
    require_scope(request, Scope.RESPOND)
    person = principal(request).person
    if person is None:
        raise NotAllowed("A token that belongs to nobody can not bring a chat in.")
    found = _brought_in(import_id)
    if not importing.begin(found, by=person):
        raise Conflict(NOTHING_LEFT[ChatImport.State(found.state)])
    return _import_out(found)


@router.post(
    "/chat-imports/{import_id}/take-out",
    response=ImportOut,
    operation_id="take_out_chat_import",
    summary="Take a chat out again",
)
def take_out_chat_import(request: HttpRequest, import_id: Cursor) -> ImportOut:
    """Take an import out of the timeline; lines with which somebody went on stay, or that another import has."""
    require_scope(request, Scope.RESPOND)
    person = principal(request).person
    if person is None:
        raise NotAllowed("A token that belongs to nobody can not take a chat out.")
    found = _brought_in(import_id)
    importing.take_out(found, by=person)
    return _import_out(found)
