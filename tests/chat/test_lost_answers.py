"""A room whose answer was lost may have been told: it hears what becomes of the page. Each new reason is noted once."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest

from raglan.chat.models import Workspace
from raglan.core.errors import DeliveryError
from raglan.core.models import Event
from raglan.paging import actions as paging
from raglan.paging import chat_calls
from raglan.paging.models import ChatCall, Page
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_pages_in_rooms import REST, ROOM, lines, told

pytestmark = pytest.mark.django_db
HAS_IT = "Page: “Apache is not running on web-014”: Bo Silva has it."


def sent_in_vain(
    chat: Workspace, monkeypatch: pytest.MonkeyPatch, error: DeliveryError, before: Callable[[], object] = lambda: None
) -> None:
    """Send once; the line stands there, and its answer is an error."""
    post = memory.MemoryLine.post

    def lost(line: memory.MemoryLine, room: str, words: memory.ports.Line) -> str:
        post(line, room, words)
        before()
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(memory.MemoryLine, "post", lost)
        with nullcontext() if error.permanent else pytest.raises(DeliveryError):
            send(chat)


def heard(there: memory.There) -> list[str]:
    """What stands in the room after the line of the step."""
    return [line.partition(" http")[0] for line in lines(there)[1:]]


def take(page: Page, by: Person) -> None:
    paging.acknowledge(page, by=by, via=REST)
    world.fire_all()


@pytest.mark.parametrize("given_up", [False, True])
def test_it_hears_who_has_the_page(
    chat: Workspace,
    there: memory.There,
    mara: Person,
    bo: Person,
    monkeypatch: pytest.MonkeyPatch,
    given_up: bool,
) -> None:
    started = world.page(told(chat, mara, bo))
    sent_in_vain(chat, monkeypatch, DeliveryError("no answer", permanent=False, unknown=True))
    if given_up:
        world.fast_forward(chat_calls.PATIENCE)
    take(started, bo)
    send(chat)
    call = ChatCall.objects.get()
    assert (call.state, call.may_repeat) == ("failed" if given_up else "cancelled", True)
    assert heard(there)[-1] == HAS_IT


def test_it_hears_of_the_end_as_well_where_the_page_was_taken_while_the_line_was_on_its_way(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = world.page(told(chat, mara, bo))
    lost = DeliveryError("no answer", permanent=False, unknown=True)
    sent_in_vain(chat, monkeypatch, lost, before=lambda: take(started, bo))
    assert (ChatCall.objects.get().state, ChatCall.objects.get().may_repeat) == ("cancelled", True)
    paging.resolve(started, why="over")
    world.fire_all()
    send(chat)
    assert heard(there) == [HAS_IT, "Page: “Apache is not running on web-014”: it is over."]


@pytest.mark.parametrize("by", ["the next claim", "patience"])
def test_it_hears_of_it_after_a_crash_on_the_way(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, by: str
) -> None:
    started = world.page(told(chat, mara, bo))
    chat_calls.claim(ChatCall.objects.get().pk)  # and nobody ever says how it went
    if by == "patience":
        world.fast_forward(chat_calls.PATIENCE)
    else:
        paging.acknowledge(started, by=bo, via=REST)
        chat_calls.claim(ChatCall.objects.get().pk)
    call = ChatCall.objects.get()
    assert (call.state, call.may_repeat) == ("failed" if by == "patience" else "cancelled", True)
    assert chat_calls.told(Page.objects.get()) == [call]


def test_a_room_that_surely_was_not_told_hears_nothing(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = world.page(told(chat, mara, bo))
    there.is_away = True
    with pytest.raises(DeliveryError):
        send(chat)
    there.is_away = False
    take(started, bo)
    send(chat)
    assert there.rooms.get(ROOM, []) == []


def test_a_reason_in_other_words_is_noted_once(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.page(told(chat, mara, bo))
    for number in range(4):
        sent_in_vain(chat, monkeypatch, memory.ports.Wait(f"slow down for {number} s", seconds=1))
    noted = Event.objects.filter(kind="chat_call.failed").order_by("pk")
    assert [event.data["why"] for event in noted] == ["slow down for 0 s"]
    assert ChatCall.objects.get().attempts == 4

    sent_in_vain(chat, monkeypatch, DeliveryError("no answer", permanent=False, unknown=True))
    sent_in_vain(chat, monkeypatch, DeliveryError("gone", permanent=True))
    assert [event.data["why"] for event in noted.all()] == ["slow down for 0 s", "no answer", "gone"]
    assert ChatCall.objects.get().error == "gone"
