"""Rooms that policies tell, and in which we are not any more: they are heard, entered again, and stop no others."""

from datetime import datetime, timedelta

import pytest
from django.db import OperationalError

from raglan.chat import lines, outbox, queries, sending, steps
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.core.errors import DeliveryError
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.paging import actions as paging
from raglan.paging import chat_ready, chats
from raglan.paging.models import ChatCall, Page, Policy
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_pages_in_rooms import REST, ROOM, call, page, said, told

pytestmark = pytest.mark.django_db
__all__ = ["page"]  # a fixture
MOVED = "C2"


def policy() -> Policy:
    return Policy.objects.get(slug="web")


@pytest.fixture
def lost(page: Page, chat: Workspace, there: memory.There) -> Page:
    """A page that was told in a room, which then refused the line of another one for good."""
    there.refused.add(ROOM)
    world.page(policy())
    send(chat)
    there.refused.clear()
    return page


def at(page: Page) -> datetime:
    page.refresh_from_db()
    assert page.acknowledged_at is not None
    return page.acknowledged_at


def mirrored(there: memory.There, room: Room) -> str:
    return there.rooms[room.external_id][-1]


def test_a_sign_is_heard_in_a_room_that_refused_a_line(
    lost: Page, chat: Workspace, there: memory.There, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")
    about = Post.objects.get(key=f"step-{ChatCall.objects.earliest('pk').pk}-{lost.pk}").external_id

    heard = said(chat, there, "@bo", "👍", kind=memory.ports.Kind.REACTION, about=about)

    lost.refresh_from_db()
    assert lost.acknowledged_by == bo
    assert heard == ["Bo Silva has “Apache is not running on web-014”."]


def test_it_stays_one_room_and_the_next_step_is_told_there(
    lost: Page, chat: Workspace, there: memory.There, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")
    said(chat, there, "@bo", f"!ack {lost.pk}")
    world.page(policy())
    send(chat)
    room = Room.objects.get()
    assert (room.external_id, room.problem) == (ROOM, "")
    assert room.opened_at is not None
    assert ChatCall.objects.latest("pk").state == "handed_over"


@pytest.mark.parametrize("has_it", [True, False], ids=["both-heard-of-it", "one-heard-of-it"])
def test_a_name_that_leads_to_a_room_known_already_brings_what_is_not_there_yet(
    lost: Page,
    there: memory.There,
    incident: Incident,
    bo: Person,
    monkeypatch: pytest.MonkeyPatch,
    has_it: bool,
) -> None:
    chat = Workspace.objects.get()
    there.rooms[MOVED] = []
    paging.acknowledge(lost, by=bo, via=REST)
    world.fire_all()  # the room that was lost hears who has it
    other = Room.objects.create(workspace=chat, external_id=MOVED, created_at=lost.created_at)
    if has_it:
        outbox.say(other, outbox.Words(f"has-{lost.pk}-{at(lost):%y%m%d%H%M%S%f}", "Bo Silva has it."))
    monkeypatch.setattr(memory.MemoryLine, "find_room", lambda line, name: memory.ports.Opened(MOVED))
    mirror = queries.rooms_of(incident).get()
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "the mirror"), by=bo)
    world.page(policy())
    world.fire_all()

    send(chat)

    room = Room.objects.get(name=ROOM)
    assert (room.pk, room.external_id) == (other.pk, MOVED)
    assert ChatCall.objects.latest("pk").state == "handed_over"
    assert sum("has it." in line for line in there.rooms[MOVED]) == 1
    assert mirrored(there, mirror) == "Bo Silva: the mirror"
    assert not queries.waiting(chat).exists()


@pytest.mark.parametrize("where", ["entering", "sending"])
def test_a_mistake_with_one_room_stops_no_other_and_is_tried_again(
    there: memory.There,
    incident: Incident,
    mara: Person,
    bo: Person,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    chat = Workspace.objects.get()
    world.page(told(chat, mara, bo))
    mirror = queries.rooms_of(incident).get()
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "the mirror"), by=mara)
    world.fire_all()
    patience = sending.Patience()
    with monkeypatch.context() as patched:
        patched.setattr(steps, "_entered" if where == "entering" else "text_of", lambda *_: 1 / 0)
        sending.send_waiting(chat, memory.MemoryLine(there), patience)
    assert mirrored(there, mirror) == "Mara Keller: the mirror"
    assert patience.resting() == [Room.objects.get(name=ROOM).pk]

    send(chat)
    assert call().state == "handed_over"


def test_a_database_that_does_not_answer_is_no_mistake_with_a_room(
    chat: Workspace, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    told(chat, mara, bo)
    world.fire_all()
    monkeypatch.setattr(steps, "_entered", away)
    with pytest.raises(OperationalError):
        send(chat)


def test_a_room_of_people_that_fails_where_no_incident_waits_ends_nothing(
    page: Page, chat: Workspace, there: memory.There
) -> None:
    there.rooms["#other"] = []
    other = Room.objects.create(workspace=chat, external_id="#other", created_at=page.created_at)
    world.page(policy())
    outbox.say(other, outbox.Words("answer-1", "to others"))
    there.broken.add(ROOM)
    patience = sending.Patience()
    for _ in range(2):
        with pytest.raises(DeliveryError):
            sending.send_waiting(chat, memory.MemoryLine(there), patience)
    assert sending.send_waiting(chat, memory.MemoryLine(there), patience).went == 1
    assert there.rooms["#other"] == ["to others"]


def fails(line: memory.MemoryLine, name: str) -> memory.ports.Opened:
    line.there.ask()
    raise DeliveryError("the list of channels: 503", permanent=False)


def test_a_room_that_can_not_be_entered_for_now_makes_no_chat_away(
    chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.page(told(chat, mara, bo))
    line = lines.Line(chat)
    with monkeypatch.context() as patched:
        patched.setattr(memory.MemoryLine, "find_room", fails)
        for _ in range(4):
            line._send()
    assert chats.away(chat.pk) == ""
    assert (call().state, call().error) == ("waiting", "the list of channels: 503")


def test_a_platform_of_which_only_a_room_is_wanted_is_away_and_back(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    told(chat, mara, bo)
    world.fire_all()
    line = lines.Line(chat)
    there.is_away = True
    for _ in range(2):
        line._send()
    assert chats.away(chat.pk) == "Team chat does not answer: nobody answers"
    there.is_away = False
    line._send()
    assert chats.away(chat.pk) == ""


def test_a_line_that_was_refused_keeps_nothing_else_from_a_room_and_its_owners_hear_nothing(
    page: Page, chat: Workspace, there: memory.There
) -> None:
    outbox.say(Room.objects.get(), outbox.Words("answer-1", "a line that is not taken"))
    there.refused.add(ROOM)
    send(chat)
    assert Room.objects.get().problem == "you are not in this room"
    assert chat_ready.lost() == []


def test_a_room_that_fails_for_now_is_none_that_can_not_be_told(page: Page, chat: Workspace) -> None:
    Room.objects.update(problem="this room is broken, so what is said here waits")
    assert chat_ready.lost() == []


def test_owners_hear_of_a_room_that_refused_a_page_until_it_is_entered_again(lost: Page, chat: Workspace) -> None:
    assert [item.words for item in chat_ready.lost()] == [
        "the room #operations in Team chat (you are not in this room)"
    ]
    chat_ready.look()
    assert not queries.is_idle(chat)
    send(chat)
    assert chat_ready.lost() == []
    assert queries.is_idle(chat)


def test_a_room_that_no_policy_tells_any_more_keeps_nobody_awake(chat: Workspace, mara: Person, bo: Person) -> None:
    told(chat, mara, bo)
    world.fire_all()
    told(chat, mara, bo, room="#elsewhere")
    world.fire_all()
    assert not queries.is_idle(chat)
    send(chat)
    assert queries.is_idle(chat)
    assert not Room.objects.get(name=ROOM).opened_at


def test_whoever_takes_a_page_once_more_hears_that_they_have_it(
    page: Page, chat: Workspace, there: memory.There, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")
    answers = [said(chat, there, "@bo", f"!ack {page.pk}") for _ in range(3)]
    assert answers == [
        ["Bo Silva has “Apache is not running on web-014”."],
        *[["Bo Silva has “Apache is not running on web-014” already."]] * 2,
    ]


def test_a_sign_of_whoever_has_it_is_not_answered(page: Page, chat: Workspace, there: memory.There, bo: Person) -> None:
    memory.known(chat, bo, "@bo")
    about = Post.objects.get(key=f"step-{call().pk}-{page.pk}").external_id
    said(chat, there, "@bo", f"!ack {page.pk}")
    taken = at(page)
    assert said(chat, there, "@bo", "👍", kind=memory.ports.Kind.REACTION, about=about) == []
    assert at(page) - taken == timedelta(0)


def test_a_room_of_an_incident_in_which_somebody_wrote_before_we_knew_it_is_open_is_that_room(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    memory.known(chat, bo, "@bo")
    declared = incidents.declare("Apache is down", by=mara)
    world.fire_all()
    asked = memory.write(chat, f"inc-{declared.pk}", "@bo", "!on-call")  # an earlier try has opened it
    send(chat)
    room = Room.objects.get()
    assert (room.incident, room.external_id) == (declared, f"inc-{declared.pk}")
    assert Message.objects.get(external_id=asked).room == room  # it is not heard twice
    assert "There is no rota yet." in there.rooms[room.external_id]


def test_a_mistake_with_a_room_that_is_to_be_opened_stops_no_other(
    page: Page, chat: Workspace, there: memory.There, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    incidents.declare("Apache is down", by=mara)
    world.page(policy())
    world.fire_all()
    with monkeypatch.context() as patched:
        patched.setattr(memory.MemoryLine, "open_room", lambda *_: 1 / 0)
        send(chat)
    assert ChatCall.objects.latest("pk").state == "handed_over"
    send(chat)
    assert Room.objects.get(incident__isnull=False).opened_at


def test_what_was_heard_in_a_room_is_not_heard_anew_in_the_one_that_it_becomes(
    lost: Page, chat: Workspace, there: memory.There, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.known(chat, bo, "@bo")
    heard = memory.write(chat, ROOM, "@bo", "!help")
    there.rooms[MOVED] = []
    other = Room.objects.create(workspace=chat, external_id=MOVED, created_at=lost.created_at)
    monkeypatch.setattr(memory.MemoryLine, "find_room", lambda line, name: memory.ports.Opened(MOVED))
    world.page(policy())
    send(chat)
    assert Message.objects.get(external_id=heard).room == other


def test_a_mistake_with_the_room_for_commands_stops_no_other(
    there: memory.There, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = memory.connect(lobby="#lobby")
    incidents.declare("Apache is down", by=mara)
    world.fire_all()
    patience = sending.Patience()
    with monkeypatch.context() as patched:
        patched.setattr(memory.MemoryLine, "find_room", lambda *_: 1 / 0)
        for _ in range(2):
            sending.send_waiting(chat, memory.MemoryLine(there), patience)
    assert Room.objects.get().incident is not None
    assert patience.resting() == [sending.LOBBY]
    send(chat)
    assert list(there.rooms)[-1] == "#lobby"
