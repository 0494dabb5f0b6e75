"""What waits for chat goes out in order, once; an absence is told, and nothing here waits for it."""

from datetime import timedelta

import pytest
from django.db import connection

from raglan.chat import actions, lines, outbox, ports, queries, sending
from raglan.chat.models import Post, Room, Workspace
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.core.models import Event
from raglan.incidents import actions as incidents
from raglan.incidents import ports as rooms
from raglan.incidents.models import Entry, Incident
from raglan.integrations.irc.platform import Irc
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db


def say(incident: Incident, by: Person, *texts: str) -> None:
    for text in texts:
        incidents.post(incident, incidents.Said(Entry.Kind.NOTE, text), by=by)
    world.fire_all()


def test_the_backlog_goes_out_in_order_once(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    before = len(there.rooms[room.external_id])
    there.is_away = True
    say(incident, mara, *[str(number) for number in range(30)])
    with pytest.raises(DeliveryError):
        send(chat)
    there.is_away, there.takes = False, 10
    with pytest.raises(DeliveryError):
        send(chat)
    there.takes = 1_000
    send(chat)
    send(chat)
    assert there.rooms[room.external_id][before:] == [f"Mara Keller: {number}" for number in range(30)]


def test_what_was_taken_but_not_noted_is_not_there_twice(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    say(incident, mara, "once")
    send(chat)
    Post.objects.filter(text="once").update(state=Post.State.WAITING)  # as after a crash between the two
    send(chat)
    assert [line for line in there.rooms[room.external_id] if "once" in line] == ["Mara Keller: once"]


def test_a_room_that_refuses_holds_up_no_other(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    other = incidents.declare("Search is empty", by=mara)
    world.fire_all()
    there.refused.add(room.external_id)
    say(incident, mara, "here")
    say(other, mara, "there")
    send(chat)
    assert there.rooms[f"inc-{other.pk}"][-1] == "Mara Keller: there"
    room.refresh_from_db()
    assert room.problem == "you are not in this room"


def test_an_absence_is_told_after_two_failures_and_ends_with_both_ways(
    chat: Workspace, room: Room, incident: Incident
) -> None:
    trouble = lines.Trouble(chat)
    trouble.failed("hear", "nobody answers")
    assert rooms.notices(incident) == []
    trouble.failed("hear", "nobody answers")
    trouble.failed("send", "nobody answers")
    chat.refresh_from_db()
    assert chat.away_since is not None
    assert rooms.notices(incident)[0].startswith("Team chat is away since ")
    trouble.went_well("send")
    assert rooms.notices(incident) != []
    trouble.went_well("hear")
    assert rooms.notices(incident) == []


def test_one_node_holds_a_workspace_until_it_is_gone(chat: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines.hold(chat)
    monkeypatch.setattr(lines, "NODE", "another:1")
    chat.refresh_from_db()
    assert lines.hold(chat) is (connection.vendor == "sqlite")  # which one process serves
    world.fast_forward(timedelta(seconds=31))
    assert lines.hold(chat)


def test_a_lobby_hears_of_new_incidents(there: memory.There, mara: Person) -> None:
    chat = memory.connect(lobby="#incidents")
    send(chat)
    incidents.declare("Search is empty", by=mara)
    world.fire_all()
    send(chat)
    assert "Search is empty" in there.rooms["#incidents"][0]


def test_a_lobby_that_is_not_there_is_said_and_tried_after_a_change(there: memory.There) -> None:
    chat = memory.connect(lobby="#typo")
    there.refused.add("#typo")
    send(chat)
    assert Room.objects.get(workspace=chat).problem == "there is no such room"
    found = ports.platform("memory")
    assert found is not None
    actions.change(chat, actions.Draft("Team chat", chat.settings, lobby="#right"), actor="raglan")
    chat.refresh_from_db()
    send(chat)
    assert Room.objects.get(workspace=chat).external_id == "#right"


def lobbies(chat: Workspace) -> tuple[int, int, str]:
    """Return how many rooms for commands there are, how many rooms were opened at all, and what is wrong."""
    found = Room.objects.filter(workspace=chat, incident=None)
    return len(found), Event.objects.filter(kind="chat.room_opened").count(), found[0].problem


def test_a_lobby_is_joined_once_also_by_a_long_name_of_an_earlier_version(there: memory.There) -> None:
    chat = memory.connect(lobby="#incidents")
    Workspace.objects.filter(pk=chat.pk).update(lobby="#" + "x" * 199)
    chat.refresh_from_db()
    for _ in range(5):
        send(chat)
    assert lobbies(chat) == (1, 1, "")


def test_a_lobby_that_is_the_room_of_an_incident_is_refused_once(
    there: memory.There, chat: Workspace, room: Room
) -> None:
    before = Event.objects.filter(kind="chat.room_opened").count()
    actions.change(chat, actions.Draft("Team chat", chat.settings, lobby=room.external_id), actor="raglan")
    chat.refresh_from_db()
    for _ in range(5):
        send(chat)
    assert lobbies(chat) == (1, before, f"this is the room of incident {room.incident_id}")
    name = room.name
    room.refresh_from_db()
    assert (room.name, room.problem) == (name, "")


def test_a_lobby_has_a_name_of_at_most_120_characters(there: memory.There, chat: Workspace) -> None:
    for do in (
        lambda: memory.connect(lobby="#" + "x" * 120),
        lambda: actions.change(chat, actions.Draft("Team chat", chat.settings, lobby="#" + "x" * 120), actor="raglan"),
    ):
        with pytest.raises(BadInput) as refused:
            do()
        assert refused.value.field == "lobby"


def test_what_can_not_go_out_starves_no_other_room(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    lost = Room.objects.create(workspace=chat, name="lost", created_at=now())
    stuck = sending.AT_ONCE + 5
    for number in range(stuck):
        outbox.say(lost, outbox.Words(key=str(number), text="lost"))
    say(incident, mara, "there")
    send(chat)
    assert there.rooms[room.external_id][-1] == "Mara Keller: there"
    assert queries.waiting(chat).count() == stuck
    Room.objects.filter(pk=lost.pk).update(problem="there is no such room")
    assert send(chat).refused == stuck
    assert queries.backlog().waiting == 0


def test_what_goes_to_a_room_that_can_not_be_opened_waits_for_another_connection(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    Room.objects.filter(pk=room.pk).update(external_id="", problem="nobody may open rooms")
    say(incident, mara, "there")
    assert send(chat).refused == 1
    actions.change(chat, actions.Draft("Team chat", chat.settings), actor="raglan")
    assert queries.waiting(chat).count() == 1
    send(chat)
    assert there.rooms[room.external_id][-1] == "Mara Keller: there"


def test_secrets_are_sealed_kept_and_gone_at_the_end(chat: Workspace) -> None:
    assert "s3cret" not in f"{chat.settings} {chat.secrets_sealed}"
    actions.change(chat, actions.Draft("Team chat", chat.settings), actor="raglan")
    chat.refresh_from_db()
    assert actions.secrets_of(chat) == {"token": "s3cret"}
    actions.end(chat, actor="raglan")
    chat.refresh_from_db()
    assert (chat.secrets_sealed, list(queries.workspaces())) == ("", [])


def test_without_chat_nothing_is_written(there: memory.There, mara: Person) -> None:
    incident = incidents.declare("Apache is down", by=mara)
    say(incident, mara, "hello")
    assert (Post.objects.count(), rooms.notices(incident)) == (0, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"url": "https://chat.example.test"}, {"url": "https://elsewhere.example.test"}),
        ({"server": "irc.example.test", "tls": "yes"}, {"server": "elsewhere.example.test", "tls": "yes"}),
        ({"server": "irc.example.test", "tls": "yes"}, {"server": "irc.example.test", "tls": "no"}),
    ],
)
def test_a_kept_secret_is_not_sent_to_another_address(
    chat: Workspace, before: dict[str, str], after: dict[str, str]
) -> None:
    name, secret = "password" if "tls" in before else "token", "s3cret"
    if "tls" in before:
        nick = {"nick": "raglan"}
        draft = actions.Draft("IRC", {**before, **nick, name: secret})
        chat = actions.connect(Irc(), draft, actor="raglan")
        before, after = {**before, **nick}, {**after, **nick}
    actions.change(chat, actions.Draft("Chat", before), actor="raglan")
    with pytest.raises(BadInput) as refused:
        actions.change(chat, actions.Draft("Chat", after), actor="raglan")
    chat.refresh_from_db()
    assert (refused.value.field, refused.value.status, chat.settings) == (name, 422, before)
    actions.change(chat, actions.Draft("Chat", {**after, name: "new"}), actor="raglan")
    chat.refresh_from_db()
    assert (actions.secrets_of(chat), chat.settings) == ({name: "new"}, after)


def test_a_room_that_fails_again_and_again_waits_alone(
    there: memory.There,
    chat: Workspace,
    room: Room,
    incident: Incident,
    mara: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = incidents.declare("Search is empty", by=mara)
    world.fire_all()
    send(chat)
    line, patience = actions.line_to(chat), sending.Patience()
    say(incident, mara, "here")
    for number in range(sending.AT_ONCE):
        outbox.say(room, outbox.Words(key=str(number), text="more"))
    say(other, mara, "there")
    there.broken.add(room.external_id)
    for _ in range(sending.MOST_TRIES - 1):
        with pytest.raises(DeliveryError):
            sending.send_waiting(chat, line, patience)
    sending.send_waiting(chat, line, patience)
    assert there.rooms[f"inc-{other.pk}"][-1] == "Mara Keller: there"
    room.refresh_from_db()
    assert room.problem == "this room is broken, so what is said here waits"
    assert queries.waiting(chat).count() == sending.AT_ONCE + 1
    asked = there.asked
    sending.send_waiting(chat, line, patience)
    assert there.asked == asked  # not again at once
    monkeypatch.setattr(sending.Patience, "resting", lambda self: [])  # it rested
    say(other, mara, "again")
    sending.send_waiting(chat, line, patience)  # it fails still, and holds nothing up
    assert there.rooms[f"inc-{other.pk}"][-1] == "Mara Keller: again"
    there.broken.clear()
    sending.send_waiting(chat, line, patience)
    room.refresh_from_db()
    assert there.rooms[room.external_id][-sending.AT_ONCE :] == ["Mara Keller: here", *["more"] * (sending.AT_ONCE - 1)]
    assert room.problem == ""


def test_a_platform_that_fails_everywhere_is_away(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    other = incidents.declare("Search is empty", by=mara)
    world.fire_all()
    send(chat)
    line, patience = actions.line_to(chat), sending.Patience()
    say(incident, mara, "here")
    say(other, mara, "there")
    there.is_away = True
    for _ in range(3 * sending.MOST_TRIES):
        with pytest.raises(DeliveryError):
            sending.send_waiting(chat, line, patience)
    there.is_away = False
    sending.send_waiting(chat, line, patience)
    assert queries.waiting(chat).count() == 0
