"""One message never holds back those behind it, and what is old is not done as if it were new."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan.chat import actions, hearing, ports
from raglan.chat.models import Message, Post, Room, Workspace
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.actions import attachments
from raglan.incidents.models import Entry, Incident
from raglan.integrations.irc.platform import Irc
from raglan.integrations.matrix.platform import Matrix
from raglan.integrations.slack.platform import Slack
from raglan.people.models import Person
from raglan.testing import world
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
    chat: Workspace,
    room: Room,
    incident: Incident,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(incidents, "post", fails)
        lost = memory.write(chat, room, "@eve", "this one")
    memory.write(chat, room, "@eve", "that one")
    assert said(incident) == ["that one"]
    assert Message.objects.filter(external_id=lost, entry=None).exists()
    assert caplog.text.count("a chat message could not be taken") == 1


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
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_comes_is_taken(
    chat: Workspace, room: Room, bo: Person, caplog: pytest.LogCaptureFixture, message: ports.Incoming
) -> None:
    caplog.clear()
    memory.known(chat, bo, "@bo")
    hearing.take(chat, ports.Incoming("$first", room.external_id, "@bo", "Bo", "first", now()))
    here = replace(message, id=f"a{message.id}", room=room.external_id)
    for one in (message, here, replace(here, id=f"b{message.id}", author="@bo", at=now())):
        hearing.take(chat, one)
    assert Message.objects.filter(external_id="$first", entry__author=bo).exists()
    assert "could not be taken" not in caplog.text


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


def test_two_rooms_that_a_bridge_joins_do_not_talk_for_ever(
    there: memory.There, chat: Workspace, room: Room, incident: Incident
) -> None:
    other = memory.connect()
    twin = actions.open_room(incident, other)
    memory.send_to(other, far := memory.There())
    ends = {chat.pk: (there, room, other.pk), other.pk: (far, Room.objects.get(pk=twin.pk), chat.pk)}
    before, seen = said(incident), {pk: len(end[0].rooms[end[1].external_id]) for pk, end in ends.items()}
    memory.write(chat, room, "@eve", "The site is slow")
    memory.write(other, ends[other.pk][1], "@bridge", "The site is slow")
    for number in range(100):
        memory.send_to(chat, there)
        memory.send_to(other, far)
        for pk, (place, here, towards) in ends.items():
            fresh = place.rooms[here.external_id][seen[pk] :]
            seen[pk] += len(fresh)
            for line in fresh:
                words = line if number % 2 else f"<raglan> {line}"
                memory.write(Workspace.objects.get(pk=towards), ends[towards][1], "@bridge", words)
    assert len(said(incident)) - len(before) <= 2


def test_what_irc_cut_into_lines_is_not_heard_again(
    chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    long = "\n".join(["It is slow.", "The queue is full on both of the machines."])
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, long), by=mara)
    world.fire_all()
    for text in ("| The queue is full on both of the machines.", "<raglan> | full on both of the machines."):
        memory.write(chat, room, "@bridge", text)
    memory.write(chat, room, "@eve", "a | b")
    assert said(incident) == [long, "a | b"]


@pytest.mark.parametrize(
    ("identity", "author", "name"),
    [("@raglan:memory", "@raglan:memory", "x"), ("Raglan", "raglan!~r@host", "raglan"), ("U1 in T1", "U1", "U1")],
)
def test_raglan_does_not_hear_itself_by_another_line(
    chat: Workspace, room: Room, incident: Incident, identity: str, author: str, name: str
) -> None:
    Workspace.objects.filter(pk=memory.connect().pk).update(identity=identity)
    memory.write(chat, room, author, "Bo Silva: hello", author_name=name)
    memory.write(chat, room, author, "!declare again", author_name=name)
    memory.write(chat, room, "@eve", "hello")
    assert said(incident) == ["hello"]
    assert Incident.objects.count() == 1


@pytest.mark.parametrize(
    ("platform", "who", "names"),
    [
        (Matrix(), "@raglan:example.org", ("@raglan:example.org",)),
        (Irc(), "raglan!~r@host", ("raglan!~r@host", "raglan")),
        (Slack(), "U1 in T1", ("U1 in T1", "U1")),
    ],
)
def test_a_platform_says_by_which_names_somebody_is_told_apart(
    platform: ports.ChatPlatform, who: str, names: tuple[str, ...]
) -> None:
    assert platform.names_of(who) == names


def test_too_much_of_strangers_is_said_once_and_left_out(
    chat: Workspace, room: Room, incident: Incident, bo: Person
) -> None:
    author = memory.known(chat, bo, "@bo")
    at = now().replace(second=0, microsecond=0)
    Room.objects.update(opened_at=at - timedelta(hours=1))
    Incident.objects.update(declared_at=at - timedelta(hours=1))
    for number in range(hearing.MOST_OF_STRANGERS + 5):
        memory.write(chat, room, "@eve", f"line {number}", at=at - timedelta(seconds=30))
    memory.write(chat, room, author, "I see it", at=at - timedelta(seconds=30))
    memory.write(chat, room, "@eve", "a minute before", at=at - timedelta(seconds=90))
    words = said(incident)
    assert len(words) == hearing.MOST_OF_STRANGERS + 3
    assert words[-3].startswith("More than 60 lines of people who are not known here came from chat at ")
    assert words[-2:] == ["I see it", "a minute before"]


def test_a_long_message_is_taken_where_files_have_no_room(
    chat: Workspace, room: Room, incident: Incident, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MAX_INCIDENT", 0)
    author = memory.known(chat, bo, "@bo")
    memory.write(chat, room, author, "x" * 30_000)
    memory.write(chat, room, author, "web0013 too")
    assert [text[:20] for text in said(incident)] == ["x" * 20, "web0013 too"]
