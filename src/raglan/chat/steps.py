"""Pages told in rooms, as steps of policies want it: rooms that people made are entered, and lines go out by claims.

What is said stands in the outbox as any other line; the words are written when it goes out, so that they are true then.
"""

from datetime import UTC, datetime

from django.db.models import QuerySet

from raglan.chat import actions, outbox, ports, queries
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.chat.queries import STEP
from raglan.config import config
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import DeliveryError
from raglan.paging import chat_calls, chats, coming
from raglan.paging.models import ChatCall, Page
from raglan.ui.wording import in_a_line

MOST_TITLE, MOST_TEXT = 200, 300
SOON = "…"  # stands in the outbox until the words are written
log = logs.get("raglan.chat")


class Rooms:
    """What chat does for paging."""

    def connected(self) -> list[chats.Chat]:
        """Return what is connected, oldest first."""
        return [chats.Chat(one.pk, one.name, _title_of(one)) for one in queries.workspaces()]

    def why_not(self, number: int, room: str) -> str:
        """Say why we are not in a room, as far as is known; that one line was not taken there is no reason."""
        found = Room.objects.filter(workspace=number, incident=None, name=room).order_by("pk").first()
        return found.problem if found is not None and found.opened_at is None else ""

    def away(self, number: int) -> str:
        """Say that a platform does not answer."""
        workspace = queries.workspaces().filter(pk=number, away_since__isnull=False).first()
        return f"{workspace.name} does not answer: {workspace.away_why}" if workspace else ""

    def tell(self, call: ChatCall) -> None:
        """Let a room be told. One that could not be entered is tried again."""
        room = room_for(call.chat, call.room)
        Room.objects.filter(pk=room.pk, opened_at__isnull=True).update(problem="")
        outbox.say(room, outbox.Words(key=f"{STEP}-{call.pk}-{call.page_id}", text=SOON, who="Page:", is_claimed=True))

    def try_again(self, number: int, room: str) -> None:
        """Enter a room, or try once more to; the line does it."""
        Room.objects.filter(pk=room_for(number, room).pk, opened_at__isnull=True).exclude(problem="").update(problem="")


def _title_of(workspace: Workspace) -> str:
    found = ports.platform(workspace.platform)
    return found.title if found else workspace.platform


@atomic
def room_for(number: int, name: str) -> Room:
    """Return the room that people know by a name there; it is entered when the platform answers."""
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=number)
    known = Room.objects.filter(workspace=workspace, incident=None, name=name).order_by("pk").first()
    return known or Room.objects.create(workspace=workspace, name=name, created_at=now())


def enter(workspace: Workspace, line: ports.Connection, room: Room) -> bool:
    """Enter a room that people made; tell whether it is there, else it says why not.

    Raises DeliveryError where another try may help.
    """
    try:
        there = line.find_room(room.name)
    except DeliveryError as error:
        if not error.permanent:
            if not room.external_id:  # else its lines are tried all the same
                note_later(Post.objects.filter(queries.UNSENT, room=room), error)
            raise
        log.warning("a room can not be entered", extra={"room": room.name, "why": error.sentence})
        Room.objects.filter(pk=room.pk).update(problem=error.sentence[:500])
        return False
    _entered(workspace, room, there)
    return True


@atomic
def _entered(workspace: Workspace, room: Room, there: ports.Opened) -> None:
    """Note that we are in a room; what belongs to it goes to the room that we know already, where it is one."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)  # as whoever lets the room be told
    known = queries.room_there(workspace, there.id[:300])
    if known is None or known.pk == room.pk:
        actions.opened(room, there)
    elif known.incident_id is not None:
        Room.objects.filter(pk=room.pk).update(problem=f"this is the room of incident {known.incident_id}")
    else:
        bring(room, known)
        known.name = known.name or room.name
        known.save(update_fields=["name"])
        if known.opened_at is None or known.problem:
            actions.opened(known, there)


@atomic
def bring(room: Room, into: Room) -> None:
    """Make one of two that are the same room there: what was said and heard in it stays known, each once."""
    there_already = Post.objects.filter(room=into).values("key")
    Post.objects.filter(room=room).exclude(key__in=there_already).update(room=into)
    Message.objects.filter(room=room).update(room=into)
    room.delete()


def begin(post: Post) -> bool:
    """Claim a line that tells of a page, and write its words; tell whether it is to go out."""
    number = call_of(post)
    if not number:
        return True
    call = chat_calls.claim(number)
    if call is None:
        Post.objects.filter(pk=post.pk).update(state=Post.State.REFUSED, problem="not needed any more")
        return False
    post.who, post.text = who_of(call.page), text_of(call)
    post.save(update_fields=["who", "text"])
    return True


def went(post: Post, at: datetime) -> None:
    """Note that a line that tells of a page was taken."""
    if number := call_of(post):
        chat_calls.handed_over(number, at)


def not_said(post: Post, error: DeliveryError) -> None:
    """Note why a line that tells of a page was not taken. A room that refuses it for good is entered again.

    Where it is stays known: what is said there meanwhile, and signs under earlier lines, are heard.
    """
    number = call_of(post)
    if not number:
        return
    chat_calls.failed(number, error)
    room = post.room
    if error.permanent and room.incident_id is None and room.name != actions.lobby_of(room.workspace):
        Room.objects.filter(pk=room.pk).update(opened_at=None)


def note_later(posts: QuerySet[Post], error: DeliveryError) -> None:
    """Note why lines that tell of pages have to wait."""
    for post in posts.filter(key__startswith=f"{STEP}-").order_by("pk")[:20]:
        not_said(post, error)


def call_of(post: Post) -> int:
    """Return the call of a line that tells of a page; 0 for any other line."""
    word, _, rest = post.key.partition("-")
    number = rest.partition("-")[0]
    return int(number) if word == STEP and number.isdecimal() else 0


def who_of(page: Page) -> str:
    """Say that it is a page, and how bad, where that is known."""
    return "Page:" if page.severity in ("", "unknown") else f"Page ({page.severity}):"


def text_of(call: ChatCall) -> str:
    """Say what a page is for, since when, why it comes here, what happens next, and how to take it."""
    page = call.page
    more = f" {in_a_line(page.text, MOST_TEXT)}" if page.text.strip() else ""
    why = f"It comes here by step {call.step + 1} of the policy {coming.policy_of(call)}."
    following = coming.next_words(page, f"at {clock(page.next_step_at)}" if page.next_step_at else "")
    parts = (
        "This may be a repeat." if call.may_repeat else "",
        f"“{in_a_line(page.title, MOST_TITLE)}”, since {clock(page.created_at)}.{more}",
        why,
        following,
        link_to(page),
        f"– whoever has it: !ack {page.pk}",
    )
    return " ".join(part for part in parts if part)


def link_to(page: Page) -> str:
    """Return where a page is here."""
    return f"{config().public_url}/pages/{page.pk}/"


def clock(at: datetime) -> str:
    """Return a time in UTC, with its day where that is not today."""
    at = at.astimezone(UTC)
    return f"{at:%H:%M} UTC" if at.date() == now().astimezone(UTC).date() else f"{at:%d %b %H:%M} UTC"


chats.register(Rooms())
