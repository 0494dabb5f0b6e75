"""REST of chat: connections, who is who there, rooms of incidents."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, Field, StringConstraints

from raglan.chat import actions, ports, queries
from raglan.chat.models import Handle, Room, Workspace
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Line
from raglan.incidents.queries import incident as incident_of
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person
from raglan.people.rest.caller import own

router = Router(tags=["chat"])
Lobby = Annotated[str, StringConstraints(max_length=actions.MOST_LOBBY), AfterValidator(clean_text)]
Value = Annotated[str, StringConstraints(max_length=2000), AfterValidator(clean_text)]


class SettingOut(Schema):
    """One thing to fill in."""

    name: str
    label: str
    help: str
    is_secret: bool
    is_needed: bool
    choices: list[str]


class PlatformOut(Schema):
    """A chat platform that can be connected."""

    platform: str
    title: str
    settings: list[SettingOut]


class WorkspaceIn(Body):
    """A connection. A secret that is left out when it is changed stays as it was."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    settings: Annotated[dict[str, Value], Field(max_length=20)]
    opens_rooms: bool = True
    lobby: Lobby = ""


class NewWorkspaceIn(WorkspaceIn):
    """A new connection, and to which platform."""

    platform: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,20}$")]


class WorkspaceOut(Schema):
    """A connection and how it does; `calls` is where a platform that calls us has to call. Secrets are never shown."""

    id: int
    name: str
    platform: str
    settings: dict[str, str]
    opens_rooms: bool
    lobby: str
    identity: str
    calls: str
    away_since: datetime | None
    away_why: str
    waiting: int


class CheckedOut(Schema):
    """Whether a platform answers, and who we are there."""

    ok: bool
    words: str


class HandleIn(Body):
    """Who somebody there is here."""

    address: Line
    person_id: Id


class HandleOut(Schema):
    """A name in a workspace, and whose it is."""

    id: int
    workspace_id: int
    address: str
    person_id: int
    person: str
    is_confirmed_by_person: bool


class ChatCodeOut(Schema):
    """What is to be written in chat, within ten minutes."""

    write: str


class RoomIn(Body):
    """Where."""

    workspace_id: Id


class ChatRoomOut(Schema):
    """A room of an incident in chat. Without an id there it waits to be opened."""

    workspace_id: int
    workspace: str
    external_id: str
    link: str
    opened_at: datetime | None
    problem: str
    away_since: datetime | None


def _workspace(one: Workspace) -> WorkspaceOut:
    return WorkspaceOut(
        id=one.pk,
        name=one.name,
        platform=one.platform,
        settings=one.settings,
        opens_rooms=one.opens_rooms,
        lobby=one.lobby,
        identity=one.identity,
        calls=queries.door_of(one),
        away_since=one.away_since,
        away_why=one.away_why,
        waiting=queries.waiting(one).count(),
    )


def _handle(one: Handle) -> HandleOut:
    return HandleOut(
        id=one.pk,
        workspace_id=one.workspace_id,
        address=one.address,
        person_id=one.person_id,
        person=one.person.name,
        is_confirmed_by_person=one.is_confirmed_by_person,
    )


def _room(one: Room) -> ChatRoomOut:
    return ChatRoomOut(
        workspace_id=one.workspace_id,
        workspace=one.workspace.name,
        external_id=one.external_id,
        link=one.link,
        opened_at=one.opened_at,
        problem=one.problem,
        away_since=one.workspace.away_since,
    )


def _draft(data: WorkspaceIn) -> actions.Draft:
    return actions.Draft(data.name, data.settings, opens_rooms=data.opens_rooms, lobby=data.lobby)


@router.get("/chat/platforms", response=list[PlatformOut], operation_id="list_chat_platforms", summary="Platforms")
def list_chat_platforms(request: HttpRequest) -> list[PlatformOut]:
    """Return which chat platforms can be connected, and what each needs."""
    return [
        PlatformOut(
            platform=one.slug,
            title=one.title,
            settings=[
                SettingOut(
                    name=item.name,
                    label=item.label,
                    help=item.help,
                    is_secret=item.is_secret,
                    is_needed=item.is_needed,
                    choices=[value for value, _ in item.choices],
                )
                for item in one.settings
            ],
        )
        for one in ports.platforms()
    ]


@router.get("/chat", response=list[WorkspaceOut], operation_id="list_chat", summary="What is connected")
def list_chat(request: HttpRequest) -> list[WorkspaceOut]:
    """Return connections, which of them are away and since when, and how much waits."""
    return [_workspace(one) for one in queries.workspaces()]


@router.post("/chat", response={201: WorkspaceOut}, operation_id="connect_chat", summary="Connect a platform")
def connect_chat(request: HttpRequest, data: NewWorkspaceIn) -> Status[WorkspaceOut]:
    """Connect a chat platform from now on."""
    require_scope(request, Scope.CONFIGURE)
    platform = ports.platform(data.platform)
    if platform is None:
        raise BadInput("platform", "no integration offers it", status=422)
    return Status(201, _workspace(actions.connect(platform, _draft(data), actor=principal(request).actor)))


@router.get("/chat/names", response=list[HandleOut], operation_id="list_chat_names", summary="Who is who")
def list_chat_names(request: HttpRequest) -> list[HandleOut]:
    """Return who is who on what is connected."""
    return [_handle(one) for one in queries.handles()]


@router.post("/chat/code", response={201: ChatCodeOut}, operation_id="make_chat_code", summary="Say who I am in chat")
def make_chat_code(request: HttpRequest) -> Status[ChatCodeOut]:
    """Make a code that is written in chat; it works once, for ten minutes. A token can not make one."""
    asks = principal(request)
    if asks.token is not None or asks.person is None:
        raise NotAllowed("A token can not say who somebody is in chat. Sign in, and make the code under You.")
    return Status(201, ChatCodeOut(write=f"!link {actions.make_code(own(request, asks.person.pk))}"))


@router.put("/chat/{workspace_id}", response=WorkspaceOut, operation_id="change_chat", summary="Change a connection")
def change_chat(request: HttpRequest, workspace_id: Cursor, data: WorkspaceIn) -> WorkspaceOut:
    """Give a connection other settings."""
    require_scope(request, Scope.CONFIGURE)
    actor = principal(request).actor
    return _workspace(actions.change(queries.workspace(workspace_id), _draft(data), actor=actor))


@router.delete("/chat/{workspace_id}", response={204: None}, operation_id="end_chat", summary="End a connection")
def end_chat(request: HttpRequest, workspace_id: Cursor) -> Status[None]:
    """Connect it no more; its rooms stay there as they are."""
    require_scope(request, Scope.CONFIGURE)
    actions.end(queries.workspace(workspace_id), actor=principal(request).actor)
    return Status(204, None)


@router.post("/chat/{workspace_id}/check", response=CheckedOut, operation_id="check_chat", summary="Does it answer")
def check_chat(request: HttpRequest, workspace_id: Cursor) -> CheckedOut:
    """Ask a platform who we are there."""
    require_scope(request, Scope.CONFIGURE)
    checked = actions.check(queries.workspace(workspace_id))
    return CheckedOut(ok=checked.ok, words=checked.words)


@router.post(
    "/chat/{workspace_id}/names", response={201: HandleOut}, operation_id="set_chat_name", summary="Who somebody is"
)
def set_chat_name(request: HttpRequest, workspace_id: Cursor, data: HandleIn) -> Status[HandleOut]:
    """Know a person by a name there; whoever had it before has it no more."""
    require_scope(request, Scope.CONFIGURE)
    person = Person.objects.filter(pk=data.person_id, is_active=True).first()
    if person is None:
        raise BadInput("person_id", "there is no such person", status=422)
    known = actions.know_as(queries.workspace(workspace_id), data.address, person, actor=principal(request).actor)
    return Status(201, _handle(known))


@router.delete(
    "/chat/names/{handle_id}", response={204: None}, operation_id="forget_chat_name", summary="Forget a name"
)
def forget_chat_name(request: HttpRequest, handle_id: Cursor) -> Status[None]:
    """Know nobody by a name any more: one's own, or anybody's with the scope configure."""
    asks = principal(request)
    handle = Handle.objects.filter(pk=handle_id).first()
    if handle is None:
        raise NotFound("There is no such name.")
    if asks.person is None or handle.person_id != asks.person.pk:
        require_scope(request, Scope.CONFIGURE)
    actions.forget(handle, actor=asks.actor)
    return Status(204, None)


@router.get(
    "/incidents/{incident_id}/chat-rooms",
    response=list[ChatRoomOut],
    operation_id="list_chat_rooms",
    summary="Rooms in chat",
)
def list_chat_rooms(request: HttpRequest, incident_id: Cursor) -> list[ChatRoomOut]:
    """Return the rooms of an incident in chat."""
    return [_room(one) for one in queries.rooms_of(incident_of(incident_id))]


@router.post(
    "/incidents/{incident_id}/chat-rooms",
    response={201: ChatRoomOut},
    operation_id="open_chat_room",
    summary="Open a room in chat",
)
def open_chat_room(request: HttpRequest, incident_id: Cursor, data: RoomIn) -> Status[ChatRoomOut]:
    """Let an incident have a room; it is opened as soon as the platform answers."""
    require_scope(request, Scope.RESPOND)
    workspace = queries.workspace(data.workspace_id)
    made = actions.open_room(incident_of(incident_id), workspace)
    return Status(201, _room(Room.objects.select_related("workspace").get(pk=made.pk)))
