"""A step that tells a room and a program: what the failure of one means for the step while the other is told."""

from collections.abc import Callable

import pytest

from raglan.chat.models import Workspace
from raglan.core.errors import DeliveryError
from raglan.paging import actions as paging
from raglan.paging import calls
from raglan.paging.models import ChatCall, Page, WebhookCall
from raglan.paging.plan import Target
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_pages_in_rooms import REST, ROOM, lines

pytestmark = pytest.mark.django_db
HOOK = "https://hooks.example.test/"


class Program:
    """The channel to a program, which takes a message, or refuses it for good after something has happened."""

    def __init__(self, *, refuses: bool, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.refuses = refuses
        self.meanwhile = meanwhile

    def send(self, address: str, message: object) -> None:
        """Take a message. Raises DeliveryError."""
        self.meanwhile()
        if self.refuses:
            raise DeliveryError("410 Gone", permanent=True)


def start(chat: Workspace, last: Person, *asked: Person) -> Page:
    """A page whose first step tells a room and a program, beside whom it asks; its second asks one person."""
    told = (Target("chat", chat.pk, room=ROOM), Target("webhook", 0, HOOK))
    first = paging.StepDraft(600, (*[world.target(person) for person in asked], *told))
    return world.page(world.policy_of(first, paging.StepDraft(600, (world.target(last),)), slug="web"))


def through(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setattr(calls.ports, "channel", lambda name: program)


def step_of(page: Page) -> int:
    world.fire_all()
    page.refresh_from_db()
    return page.step


def test_a_step_keeps_its_wait_while_its_room_is_told_or_may_be_yet(
    chat: Workspace, there: memory.There, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(monkeypatch, Program(refuses=True))
    started = start(chat, mara)
    assert (WebhookCall.objects.get().state, ChatCall.objects.get().state) == ("failed", "waiting")
    assert step_of(started) == 0

    send(chat)
    assert step_of(started) == 0
    assert len(lines(there)) == 1


def test_a_step_keeps_its_wait_while_its_program_is_told(
    chat: Workspace, there: memory.There, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(monkeypatch, Program(refuses=False))
    there.refused.add(ROOM)
    started = start(chat, mara)
    send(chat)
    assert (WebhookCall.objects.get().state, ChatCall.objects.get().state) == ("handed_over", "failed")
    assert step_of(started) == 0


def test_a_step_that_tells_neither_is_followed_at_once(
    chat: Workspace, there: memory.There, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(monkeypatch, Program(refuses=True))
    there.refused.add(ROOM)
    started = start(chat, mara)
    assert step_of(started) == 0
    send(chat)
    assert step_of(started) == 1
    assert started.reached.get().person == mara


def test_whoever_passes_it_on_waits_for_no_room(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passes_on() -> None:
        paging.pass_on(Page.objects.get(), by=bo, via=REST)

    through(monkeypatch, Program(refuses=True, meanwhile=passes_on))
    started = start(chat, mara, bo)
    assert ChatCall.objects.get().state == "waiting"
    assert step_of(started) == 1
