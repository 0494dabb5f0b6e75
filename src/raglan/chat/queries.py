"""Reads of chat."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Prefetch, Q, QuerySet

from raglan.chat import ports
from raglan.chat.models import ChatImport, Handle, Message, Post, Room, Workspace
from raglan.config import config
from raglan.core.db import Prepared, bulk
from raglan.core.errors import NotFound
from raglan.incidents.models import Entry, Incident
from raglan.paging import chats
from raglan.people.models import Person

MOST_LATELY = 300
STEP = "step"  # of what keys of lines begin with that tell of a page by a step of its policy
WAITS = (Post.State.WAITING, Post.State.BY_CLAIM)
UNSENT = Q(state=WAITS[0]) | Q(state=WAITS[1])  # as two conditions, each of which has an index
WAITING = Count("rooms__posts", filter=Q(rooms__posts__state__in=WAITS))


@dataclass(frozen=True, slots=True)
class Backlog:
    """How chat is: how much is connected, what is away and since when, and how much waits."""

    connected: int
    away: list[Workspace]
    waiting: int


def workspaces() -> QuerySet[Workspace]:
    """What is connected, oldest first."""
    return Workspace.objects.filter(ended_at__isnull=True).order_by("pk")


_one_that_is_connected = Prepared(lambda: workspaces().values_list("pk", flat=True)[:1])


def is_connected() -> bool:
    """Tell whether anything is connected; asked with each event that chat may have to hear of."""
    return bool(_one_that_is_connected())


def workspaces_with_counts() -> QuerySet[Workspace]:
    """What is connected, each with how much waits for it."""
    return workspaces().annotate(waiting=WAITING)


def workspace(pk: int) -> Workspace:
    """Return one that is connected. Raises NotFound."""
    found = workspaces().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such connection.")
    return found


def rooms_of(incident: Incident) -> QuerySet[Room]:
    """The rooms of an incident on what is connected. A private one has none: nobody knows who reads there."""
    mirrored = {"incident": incident, "incident__is_private": False}
    found = Room.objects.filter(workspace__ended_at__isnull=True, **mirrored)
    return found.select_related("workspace").order_by("pk")


def without_room(incident: Incident) -> QuerySet[Workspace]:
    """What is connected and has no room for an incident; a private one can have none."""
    return workspaces().none() if incident.is_private else workspaces().exclude(rooms__incident=incident)


def room_there(workspace: Workspace, external_id: str) -> Room | None:
    """Return the room with an id there."""
    return Room.objects.select_related("incident").filter(workspace=workspace, external_id=external_id).first()


def told_of_pages(workspace: Workspace) -> QuerySet[Room]:
    """The rooms that policies tell, and those for which word of a page waits."""
    named = Q(name__in=chats.rooms_of(workspace.pk))
    waits = Q(pk__in=Post.objects.filter(UNSENT, key__startswith=f"{STEP}-").values("room"))
    return Room.objects.filter(named | waits, workspace=workspace, incident=None)


def to_open(workspace: Workspace) -> QuerySet[Room]:
    """Return rooms of incidents that are to be opened there, oldest first."""
    wanted = Room.objects.filter(workspace=workspace, external_id="", incident__is_private=False, problem="")
    return wanted.select_related("incident").order_by("pk")


def to_enter(workspace: Workspace) -> QuerySet[Room]:
    """Return rooms that policies tell and in which we are not yet, or not any more, oldest first."""
    return told_of_pages(workspace).filter(opened_at__isnull=True, problem="").order_by("pk")


def handle(workspace: Workspace, address: str) -> Handle | None:
    """Return who somebody there is here; people without access any more are nobody."""
    found = Handle.objects.select_related("person").filter(workspace=workspace, address=address)
    return found.filter(person__is_active=True).first()


def is_known(platform: str, address: str) -> bool:
    """Tell whether somebody on a platform is known here, in whichever workspace of it."""
    found = Handle.objects.filter(workspace__platform=platform, workspace__ended_at__isnull=True, address=address)
    return found.filter(person__is_active=True).exists()


def handles() -> QuerySet[Handle]:
    """Who is who on what is connected, by name."""
    found = Handle.objects.filter(workspace__ended_at__isnull=True)
    return found.select_related("workspace", "person").order_by("person__name", "pk")


def handles_of(person: Person) -> list[tuple[Workspace, list[Handle]]]:
    """Return each workspace with the names of a person there."""
    own = Prefetch("handles", Handle.objects.filter(person=person).order_by("pk"))
    return [(one, list(one.handles.all())) for one in workspaces().prefetch_related(own)]


def waiting(workspace: Workspace) -> QuerySet[Post]:
    """What waits for a workspace, in its order."""
    found = Post.objects.filter(UNSENT, room__workspace=workspace)
    found = found.exclude(room__incident__is_private=True)
    return found.select_related("room", "room__incident", "entry").order_by("pk")


def waiting_in_all() -> int:
    """Return how much waits for all that is connected."""
    return sum(Post.objects.filter(state=state, room__workspace__ended_at__isnull=True).count() for state in WAITS)


def is_idle(workspace: Workspace) -> bool:
    """Tell, by looks at small indexes, whether nothing waits for a workspace and no room of it is to be opened.

    Only where a room is found in which we are not, as one that a policy does not tell any more, it takes another look.
    """
    there = "room_id IN (SELECT id FROM chat_room WHERE workspace_id = %s)"
    waits = (
        (Post, "chat_post_waiting", f"state = 'waiting' AND {there}"),
        (Post, "chat_post_by_claim", f"state = 'by_claim' AND {there}"),
    )
    if bulk.is_any(*waits, given=[workspace.pk]):
        return False
    unopened = "workspace_id = %s AND opened_at IS NULL AND problem = '' AND name > ''"
    if not bulk.is_any((Room, "chat_room_to_enter", unopened), given=[workspace.pk]):
        return True
    return not (to_open(workspace).exists() or to_enter(workspace).exists())


def is_ours(workspace: Workspace, author: str, author_name: str) -> bool:
    """Tell whether an author is raglan itself on this platform, in whichever workspace."""
    platform = ports.platform(workspace.platform)
    if platform is None:
        return False
    ours = workspaces().filter(platform=workspace.platform).exclude(identity="").values_list("identity", flat=True)
    known = {name.casefold() for identity in ours for name in platform.names_of(identity)}
    return any(name.casefold() in known for name in (*platform.names_of(author), author_name) if name)


def said_lately(incident: Incident | None, since: datetime) -> list[str]:
    """Return what raglan said since then, or is about to say, in the rooms of an incident, or in those of none."""
    rooms = list(Room.objects.filter(incident=incident).values_list("pk", flat=True))
    lines = Post.objects.filter(room__in=rooms, kind=Post.Kind.LINE).values_list("who", "text")
    waits = lines.filter(UNSENT).order_by("-pk")[:MOST_LATELY]
    sent = lines.filter(sent_at__gte=since).order_by("-sent_at")[:MOST_LATELY]
    return [f"{who} {text}" if who else text for who, text in [*waits, *sent]]


def strangers_lines(room: Room, start: datetime, end: datetime) -> int:
    """Return how many entries people whom nobody here is wrote in a room between two times."""
    found = Message.objects.filter(room=room, at__gte=start, at__lt=end, is_command=False)
    return found.filter(entry__author__isnull=True, entry__isnull=False).count()


def times_from(room: Room, entry: Entry) -> int:
    """Return how often somebody said an entry in this very room, corrections counted; that is not said there again."""
    return Message.objects.filter(room=room, entry=entry, is_command=False).count()


def backlog() -> Backlog:
    """Return how chat is."""
    connected = list(workspaces())
    return Backlog(len(connected), [one for one in connected if one.away_since], waiting_in_all())


def door_of(workspace: Workspace) -> str:
    """Return where a platform that calls us has to call; empty for one that is listened to."""
    platform = ports.platform(workspace.platform)
    calls = platform is not None and platform.is_called(workspace.settings)
    return f"{config().public_url}/{workspace.platform}/{workspace.pk}/" if calls else ""


def chat_import(pk: int) -> ChatImport:
    """Return an import with its incident, if there is one yet. Raises NotFound."""
    found = ChatImport.objects.select_related("incident", "by", "out_by").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such import.")
    return found


def imports_of(incident: Incident) -> QuerySet[ChatImport]:
    """What was brought into a timeline, the newest first."""
    found = ChatImport.objects.filter(incident=incident).exclude(state=ChatImport.State.LOOKED_AT)
    return found.select_related("by", "out_by").order_by("-pk")
