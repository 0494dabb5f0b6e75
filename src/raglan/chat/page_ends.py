"""What rooms that were told of a page hear of it later, once each: who has it, that it waits again, that it is over."""

from collections.abc import Sequence

from raglan.chat import events as chat
from raglan.chat import outbox, queries
from raglan.chat.models import Post, Room
from raglan.chat.queries import STEP
from raglan.chat.steps import MOST_TITLE, clock, link_to, room_for
from raglan.chat.words import taken_key
from raglan.core import timeline
from raglan.core.db import Prepared
from raglan.paging import chat_calls, chat_ready, events
from raglan.paging.models import ChatCall, Page
from raglan.paging.plan import Target
from raglan.people.models import Person
from raglan.ui.wording import in_a_line

TURNS = (events.PageAcknowledged, events.PageSnoozed, events.PageResolved, events.PageReturned, events.PageUnanswered)
_a_call = Prepared(lambda: ChatCall.objects.values_list("pk", flat=True)[:1])


def _is_any_told() -> bool:
    return bool(_a_call())


def _of_told_pages(happened: Sequence[timeline.Happened]) -> set[int]:
    """Return after which events a room has to hear something: of a storm, hardly any."""
    ids = {event.id: _page_id(event) for event in happened}
    told = set(ChatCall.objects.filter(page__in=set(ids.values())).values_list("page_id", flat=True))
    return {event for event, page in ids.items() if page in told}


@timeline.reaction(*(turn.kind for turn in TURNS), when=_is_any_told, needed=_of_told_pages)
def tell_what_became(event: timeline.Happened) -> None:
    """Take back what was not told of a page yet, and say what became of it where it was told."""
    page = Page.objects.filter(pk=_page_id(event)).first()
    if page is None:
        return
    chat_calls.withdraw(page)
    key, words = _words(event, page)
    for call in chat_calls.told(page):
        if (room := _room_of(call)) is not None:
            text = f"“{in_a_line(page.title, MOST_TITLE)}”: {words} {link_to(page)}"
            outbox.say(room, outbox.Words(key=key, text=text, who="Page:"))


@timeline.reaction(events.PolicyChanged.kind, when=queries.is_connected)
def enter_rooms(event: timeline.Happened) -> None:
    """Enter the rooms that a policy tells before there is anything to tell: whether that works is known by day."""
    changed = event.payload()
    connected = set(queries.workspaces().values_list("pk", flat=True))
    steps = changed.steps if isinstance(changed, events.PolicyChanged) else []
    for target in [Target.from_json(target) for step in steps for target in _listed(step.get("targets"))]:
        if target.type == "chat" and target.id in connected:
            room_for(target.id, target.room)
            outbox.wake()


@timeline.reaction(chat.WorkspaceEnded.kind)
def tell_owners(event: timeline.Happened) -> None:
    """Tell those whose policies tell a room of a chat that is not connected any more."""
    chat_ready.look()


def _listed(targets: object) -> list[dict[str, object]]:
    return targets if isinstance(targets, list) else []


def _words(event: timeline.Happened, page: Page) -> tuple[str, str]:
    """Return what became of a page, and the key under which a room hears of that once."""
    key = f"turn-{event.id}"
    match event.payload():
        case events.PageAcknowledged() as said:
            is_now = page.state == Page.State.ACKNOWLEDGED and page.acknowledged_at == said.at
            return taken_key(page) if is_now else key, f"{_name(said.person)} has it."
        case events.PageSnoozed() as said:
            return key, f"{_name(said.person)} has it until {clock(said.until)}; then it comes back."
        case events.PageReturned() as said:
            return key, f"it waits for somebody again, since {said.why}."
        case events.PageUnanswered():
            return key, f"nobody has answered so far. Whoever has it: !ack {page.pk}"
        case _:
            return key, "it is over."


def _name(person_id: int | None) -> str:
    person = Person.objects.filter(pk=person_id or 0).first()
    return person.name if person else "whoever looks after its source"


def _room_of(call: ChatCall) -> Room | None:
    """Return the room in which the line of a call stands, on what is connected."""
    rooms = Room.objects.filter(workspace=call.chat, workspace__ended_at__isnull=True, incident=None)
    posts = Post.objects.filter(
        room__in=list(rooms.values_list("pk", flat=True)), key=f"{STEP}-{call.pk}-{call.page_id}"
    )
    found = posts.select_related("room").first()
    return found.room if found else None


def _page_id(event: timeline.Happened) -> int:
    numbers = [subject.partition(":")[2] for subject in event.subjects if subject.startswith("page:")]
    return int(numbers[0]) if numbers else 0
