"""Kinds of events that chat appends."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class WorkspaceConnected(EventPayload):
    """A chat platform is connected from now on."""

    kind = "chat.connected"
    workspace: int
    name: str
    platform: str
    settings: dict[str, str]
    opens_rooms: bool
    lobby: str
    connected_at: datetime


class WorkspaceChanged(EventPayload):
    """A connection has other settings from now on. Secrets are never told."""

    kind = "chat.changed"
    workspace: int
    name: str
    settings: dict[str, str]
    opens_rooms: bool
    lobby: str
    version: int


class WorkspaceEnded(EventPayload):
    """A chat platform is connected no more; its secrets are gone."""

    kind = "chat.ended"
    workspace: int
    ended_at: datetime


class ChatAway(EventPayload):
    """A chat platform does not answer. Everything goes on here; what is said waits for it."""

    kind = "chat.away"
    workspace: int
    why: str
    away_since: datetime


class ChatBack(EventPayload):
    """A chat platform answers again."""

    kind = "chat.back"
    workspace: int
    waiting: int


class ChatRoomOpened(EventPayload):
    """An incident has a room on a chat platform."""

    kind = "chat.room_opened"
    room: int
    workspace: int
    incident: int | None
    external_id: str
    link: str
    opened_at: datetime


class ChatRoomParted(EventPayload):
    """A room on a chat platform tells of its incident no more, because the incident became private."""

    kind = "chat.room_parted"
    room: int
    workspace: int
    incident: int


class HandleSet(EventPayload):
    """A person is known by a name in a workspace."""

    kind = "chat.handle_set"
    handle: int
    workspace: int
    person: int
    address: str
    is_confirmed_by_person: bool
    since: datetime


class HandleRemoved(EventPayload):
    """A name in a workspace belongs to nobody any more."""

    kind = "chat.handle_removed"
    handle: int
    workspace: int
    address: str


class ChatImported(EventPayload):
    """Lines of a chat that was held elsewhere stand in the timeline now; of an import as many as are new in it."""

    kind = "chat.imported"
    lines: int
    first_at: datetime
    last_at: datetime
    person: int
    chat_import: int | None = None


class ChatImportUndone(EventPayload):
    """A chat was taken out of the timeline again; lines with which people went on, or that another chat has, stay."""

    kind = "chat.import_undone"
    chat_import: int
    lines: int
    stay: int
    person: int
