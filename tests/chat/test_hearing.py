"""One message never holds back those behind it, and what is old is not done as if it were new."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan.chat import hearing, ports
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from tests.chat import memory

pytestmark = pytest.mark.django_db
WORDS = st.text(st.characters(), max_size=400)


def said(incident: Incident) -> list[str]:
    """Return what stands in the timeline, oldest first."""
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def answers(room: Room) -> list[str]:
    """Return what goes to a room, oldest first."""
    return list(Post.objects.filter(room=room, kind=Post.Kind.LINE).order_by("pk").values_list("text", flat=True))


@pytest.mark.parametrize("text", ["", " \n", "\t"])
def test_an_empty_correction_is_nothing_and_what_follows_is_heard(
    chat: Workspace, room: Room, incident: Incident, bo: Person, text: str
) -> None:
    author = memory.known(chat, bo, "@bo")
    first = memory.write(chat, room, author, "web0012 is down")
    memory.write(chat, room, author, text, kind=ports.Kind.EDIT, about=first)
    memory.write(chat, room, author, "web0013 too")
    assert said(incident) == ["web0012 is down", "web0013 too"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("text")])
def test_a_mistake_with_one_message_keeps_back_no_other(
    chat: Workspace, room: Room, incident: Incident, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(incidents, "post", fails)
        lost = memory.write(chat, room, "@eve", "this one")
    memory.write(chat, room, "@eve", "that one")
    assert said(incident) == ["that one"]
    assert Message.objects.filter(external_id=lost, entry=None).exists()


INCOMING = st.builds(
    ports.Incoming,
    id=WORDS,
    room=st.one_of(st.just(""), WORDS),
    author=WORDS,
    author_name=WORDS,
    text=st.one_of(WORDS, WORDS.map("!{}".format), WORDS.map("!declare {}".format), WORDS.map("!link {}".format)),
    kind=st.sampled_from(ports.Kind),
    about=st.one_of(st.just("$first"), WORDS),
    at=st.one_of(st.builds(now), st.datetimes(), st.datetimes(timezones=st.just(UTC))),
)


@given(message=INCOMING)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_taken(chat: Workspace, room: Room, bo: Person, message: ports.Incoming) -> None:
    memory.known(chat, bo, "@bo")
    hearing.take(chat, ports.Incoming("$first", room.external_id, "@bo", "Bo", "first", now()))
    here = replace(message, id=f"a{message.id}", room=room.external_id)
    for one in (message, here, replace(here, id=f"b{message.id}", author="@bo", at=now())):
        hearing.take(chat, one)


def test_an_old_command_is_not_done(chat: Workspace, room: Room, incident: Incident, bo: Person) -> None:
    author = memory.known(chat, bo, "@bo")
    Room.objects.update(opened_at=now() - timedelta(hours=1))
    written = now() - timedelta(minutes=11)
    memory.write(chat, room, author, "!lead", at=written)
    incident.refresh_from_db()
    assert incident.lead is None
    assert answers(room)[-1] == f"This was written at {written:%H:%M} UTC; write it again."
    memory.write(chat, room, author, "!lead", at=now() - timedelta(minutes=9))
    incident.refresh_from_db()
    assert incident.lead == bo


def test_what_is_older_than_the_room_is_not_taken(chat: Workspace, room: Room, incident: Incident, bo: Person) -> None:
    author = memory.known(chat, bo, "@bo")
    before = answers(room)
    for text in ("It was fine yesterday", "!lead"):
        memory.write(chat, room, author, text, at=now() - timedelta(minutes=5))
    incident.refresh_from_db()
    assert (said(incident), incident.lead, answers(room)) == ([], None, before)
