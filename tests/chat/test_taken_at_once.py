"""Of two who take a page at the same moment, one here and one in chat, one has it; a line on its way waits for them."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from raglan.chat import hearing, outbox, ports, steps
from raglan.chat.models import Post, Room, Workspace
from raglan.core import timeline
from raglan.core.clock import now
from raglan.paging import actions as paging
from raglan.paging import chat_calls
from raglan.paging.models import ChatCall, Page
from raglan.paging.plan import Target
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_yes_at_once import PATIENCE_S, until_somebody_waits_for_us

ONE_WRITER = "SQLite has one writer: nobody else gets as far"
pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason=ONE_WRITER),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(chat: Workspace, mara: Person, bo: Person) -> Page:
    memory.known(chat, bo, "@bo")
    step = paging.StepDraft(600, (world.target(mara), Target("chat", chat.pk, room="#operations")))
    return world.page(world.policy_of(step))


def meanwhile(act: Callable[[], object]) -> threading.Thread:
    """Do something in another thread, and return once it waits for this one's transaction."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    other = threading.Thread(target=run)
    other.start()
    until_somebody_waits_for_us()
    return other


def taken(page: Page) -> list[str]:
    return [event.actor for event in timeline.about(page, limit=100) if event.kind == "page.acknowledged"]


def write(chat: Workspace, text: str) -> None:
    message = ports.Incoming("$1", "#operations", "@bo", "Bo", text, now())
    hearing.take(chat, message)


def test_one_who_takes_it_in_chat_is_second_to_one_who_is_just_taking_it_here(
    page: Page, chat: Workspace, there: memory.There, mara: Person
) -> None:
    send(chat)
    with transaction.atomic():
        paging.acknowledge(page, by=mara, via=paging.Via.LINK)
        other = meanwhile(lambda: write(chat, f"!ack {page.pk}"))
    other.join(PATIENCE_S)
    world.fire_all()
    send(chat)
    assert taken(page) == [timeline.ref(mara)]
    said = there.rooms["#operations"][1:]
    assert sum("Mara Keller has it already." in line for line in said) == 1
    assert sum("Mara Keller has it. " in line for line in said) == 1


def test_one_who_takes_it_here_is_second_to_one_who_is_just_taking_it_in_chat(
    page: Page, chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    send(chat)
    refused: list[Exception] = []

    def late() -> None:
        try:
            paging.acknowledge(Page.objects.get(pk=page.pk), by=mara, via=paging.Via.LINK)
        except paging.AlreadyTaken as error:
            refused.append(error)

    with transaction.atomic():
        write(chat, f"!ack {page.pk}")
        other = meanwhile(late)
    other.join(PATIENCE_S)
    world.fire_all()
    send(chat)
    assert (taken(page), len(refused)) == ([timeline.ref(bo)], 1)
    assert [line for line in there.rooms["#operations"] if "Bo Silva has" in line] == [
        "Bo Silva has “Apache is not running on web-014”."
    ]


def test_a_line_that_goes_out_while_somebody_takes_it_does_not_go(
    page: Page, chat: Workspace, there: memory.There, mara: Person
) -> None:
    call, claimed = ChatCall.objects.get(), list[ChatCall | None]()
    with transaction.atomic():
        paging.acknowledge(page, by=mara, via=paging.Via.LINK)
        other = meanwhile(lambda: claimed.append(chat_calls.claim(call.pk)))
    other.join(PATIENCE_S)
    call.refresh_from_db()
    assert (claimed, call.state) == ([None], "cancelled")
    send(chat)
    assert there.rooms.get("#operations", []) == []
    assert Post.objects.get().state == Post.State.REFUSED


def test_who_takes_it_while_its_line_is_claimed_is_told_in_the_room(
    page: Page, chat: Workspace, there: memory.There, mara: Person
) -> None:
    call = ChatCall.objects.get()
    with transaction.atomic():
        assert chat_calls.claim(call.pk) is not None
        other = meanwhile(lambda: paging.acknowledge(page, by=mara, via=paging.Via.LINK))
    other.join(PATIENCE_S)
    world.fire_all()
    assert [post.text.partition(" http")[0] for post in Post.objects.order_by("pk")][1:] == [
        "“Apache is not running on web-014”: Mara Keller has it."
    ]


def test_what_is_just_being_said_in_a_room_goes_on_to_the_one_that_it_turns_out_to_be(
    chat: Workspace, there: memory.There, mara: Person
) -> None:
    step = paging.StepDraft(600, (world.target(mara), Target("chat", chat.pk, room="#operations")))
    world.page(world.policy_of(step))
    write(chat, "!help")  # in a room of the same name, which no line has entered yet
    with transaction.atomic():
        outbox.say(steps.room_for(chat.pk, "#operations"), outbox.Words("turn-1", "just said"))
        other = meanwhile(lambda: send(chat))
    other.join(PATIENCE_S)
    assert ChatCall.objects.get().state == "handed_over"
    assert "just said" in there.rooms["#operations"]
    assert Room.objects.count() == 1
