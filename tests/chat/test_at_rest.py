"""Chat at rest costs next to nothing, and what it asks for stands in an index; what is old is forgotten."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.chat import actions, lines, outbox, queries
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.core import timers
from raglan.core.clock import now
from raglan.core.models import Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory

pytestmark = pytest.mark.django_db


def asked(do: Callable[[], object]) -> list[str]:
    """Return what is asked of the database meanwhile, the begin and the end of transactions with it."""
    with CaptureQueriesContext(connection) as found:
        do()
    return [str(query["sql"]) for query in found]


def plans(do: Callable[[], object]) -> str:
    """Return how the database finds what is asked for."""
    found = []
    for sql in asked(do):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            found += [str(row[-1]) for row in cursor.fetchall()]
    return "\n".join(found)


def test_a_fresh_lease_is_kept_without_a_transaction(chat: Workspace) -> None:
    assert lines.hold(chat)
    chat.refresh_from_db()
    assert asked(lambda: lines.hold(chat)) == []
    assert lines.hold(chat)


def test_a_line_at_rest_asks_for_next_to_nothing(there: memory.There, chat: Workspace, room: Room) -> None:
    line = lines.Line(chat)
    line._send()
    assert len(asked(line._send)) == 2
    outbox.say(room, outbox.Words("key", "hello"))
    line._send()
    assert there.rooms[room.external_id][-1] == "hello"
    Room.objects.filter(pk=room.pk).update(external_id="", opened_at=None)
    line._send()
    room.refresh_from_db()
    assert room.external_id


def test_a_line_that_failed_looks_at_everything_again(there: memory.There, chat: Workspace) -> None:
    Workspace.objects.filter(pk=chat.pk).update(lobby="#incidents")
    chat.refresh_from_db()
    line = lines.Line(chat)
    there.is_away = True
    assert line._send() in lines.TRY_AGAIN_S
    there.is_away = False
    line._send()
    assert "#incidents" in there.rooms


def test_without_chat_nothing_is_counted(db: None) -> None:
    assert asked(lambda: lines._measure([])) == []


def old(room: Room) -> tuple[int, int]:
    """Let an old message and an old post be in a room; return how many of both the room has after the tidying."""
    long_ago = now() - actions.KEPT - timedelta(minutes=1)
    outbox.say(room, outbox.Words("old", "said long ago"))
    Post.objects.filter(room=room, key="old").update(state=Post.State.SENT, sent_at=long_ago)
    for key, at in (("old", long_ago), ("new", now())):
        Message.objects.create(workspace=room.workspace, room=room, external_id=key, author="@eve", at=at)
    actions.forget_old()
    return Message.objects.filter(room=room).count(), Post.objects.filter(room=room, key="old").count()


def test_what_is_old_is_forgotten_when_its_incident_is_over(room: Room, incident: Incident, mara: Person) -> None:
    before = Post.objects.filter(room=room).count()
    assert old(room) == (2, 1)  # it is open: what is corrected or comes again must be known
    incidents.stand_down(incident, by=mara, words="Over")
    Incident.objects.filter(pk=incident.pk).update(closed_at=now() - actions.KEPT - timedelta(minutes=1))
    actions.forget_old()
    assert [one.external_id for one in Message.objects.filter(room=room)] == ["new"]
    assert not Post.objects.filter(room=room, key="old").exists()
    assert Post.objects.filter(room=room).count() >= before


def test_a_lobby_forgets_too_and_what_waits_is_kept(chat: Workspace) -> None:
    lobby = Room.objects.create(workspace=chat, external_id="#lobby", created_at=now())
    waits = outbox.say(lobby, outbox.Words("waits", "hello"))
    Post.objects.filter(pk=waits.pk).update(created_at=now() - 2 * actions.KEPT)
    assert old(lobby) == (1, 0)
    assert Post.objects.filter(pk=waits.pk).exists()


def test_it_is_tidied_again_and_again(db: None) -> None:
    timers.schedule("chat.forget", subject="chat", due_at=now())
    world.fire_all()
    (next_one,) = Timer.objects.filter(kind="chat.forget")
    assert next_one.due_at > now() + timedelta(minutes=30)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has statistics and decides by them")
def test_what_is_asked_for_again_and_again_stands_in_an_index(chat: Workspace, room: Room, incident: Incident) -> None:
    at = now()

    def ask() -> None:
        queries.is_idle(chat)
        queries.waiting_in_all()
        list(queries.waiting(chat))
        actions.forget_old()
        queries.said_lately(incident, at)
        queries.said_lately(None, at)
        queries.strangers_lines(room, at, at + timedelta(minutes=1))

    found = plans(ask)

    for index in (
        "chat_post_waiting",
        "chat_post_by_claim",
        "chat_room_to_enter",
        "chat_post_said",
        "chat_message_in_room",
        "chat_post_sent",
        "chat_message_at",
    ):
        assert f"INDEX {index}" in found
    scans = {line for line in found.splitlines() if line.startswith("SCAN") and line != "SCAN CONSTANT ROW"}
    small = ("chat_post_waiting", "chat_post_by_claim")
    assert scans <= {f"SCAN chat_post USING INDEX {index}" for index in small}
