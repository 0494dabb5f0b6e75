"""What is said here stands there, and what is said there stands here, with its author, once."""

from datetime import timedelta

import pytest

from raglan.chat import actions, ports, queries
from raglan.chat.models import Room, Workspace
from raglan.core.errors import BadInput
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db


def texts(incident: Incident) -> list[tuple[str, str]]:
    """Return who said what in a room here, oldest first."""
    found = Entry.objects.filter(incident=incident).select_related("author").order_by("pk")
    return [(entry.author.name if entry.author else entry.author_words, entry.text) for entry in found]


def test_a_new_incident_has_a_room_with_a_topic_and_first_words(there: memory.There, room: Room) -> None:
    words = there.rooms[f"inc-{room.incident_id}"][0]
    assert words.startswith(f"Incident {room.incident_id}: Apache is down, declared by Mara Keller.")
    assert "no lead yet" in there.topics[room.external_id]
    assert room.link == f"https://chat.example.test/{room.external_id}"


def test_nothing_invisible_goes_there(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, bo: Person
) -> None:
    Person.objects.filter(pk=bo.pk).update(name="Bo\u202e\x07 Silva")
    bo.refresh_from_db()
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "one\r\ntwo\x03\u2066"), by=bo)
    world.fire_all()
    send(chat)
    assert there.rooms[room.external_id][-1] == "Bo Silva: one\ntwo"


def test_an_entry_stands_there_with_who_said_it(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, bo: Person
) -> None:
    said = incidents.post(incident, incidents.Said(Entry.Kind.DOING, "Restart httpd on web0012"), by=bo)
    world.fire_all()
    send(chat)
    last = there.rooms[room.external_id][-1]
    assert last == f"Bo Silva is doing: Restart httpd on web0012 – Afterwards: !done {said.pk} and what happened"


def test_words_from_there_stand_under_the_persons_name_and_are_not_said_again(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, bo: Person
) -> None:
    author = memory.known(chat, bo, "@bo")
    memory.write(chat, room, author, "The site is slow for me")
    assert texts(incident) == [("Bo Silva", "The site is slow for me")]
    before = list(there.rooms[room.external_id])
    send(chat)
    assert there.rooms[room.external_id] == before


def test_whom_nobody_knows_is_named_by_the_name_there(chat: Workspace, room: Room, incident: Incident) -> None:
    memory.write(chat, room, "@eve", "Me too", author_name="Mara Keller\n")
    entry = Entry.objects.get(incident=incident)
    assert (entry.author, entry.author_words) == (None, "Mara Keller (@eve)")


def test_the_same_message_counts_once(chat: Workspace, room: Room, incident: Incident) -> None:
    for _ in range(3):
        memory.write(chat, room, "@eve", "Me too", id="$same")
    assert len(texts(incident)) == 1


def test_a_correction_is_told_and_only_its_author_can_make_it(chat: Workspace, room: Room, incident: Incident) -> None:
    first = memory.write(chat, room, "@eve", "web0021 is down")
    memory.write(chat, room, "@eve", "web0012 is down", kind=ports.Kind.EDIT, about=first)
    memory.write(chat, room, "@mallory", "all is well", kind=ports.Kind.EDIT, about=first)
    said = [text for _, text in texts(incident)]
    assert said == ["web0021 is down", "Corrects “web0021 is down”: web0012 is down", "all is well"]


def test_what_is_taken_back_there_stays_and_says_so(chat: Workspace, room: Room, incident: Incident) -> None:
    first = memory.write(chat, room, "@eve", "I dropped the table")
    memory.write(chat, room, "@eve", "", kind=ports.Kind.TAKEN_BACK, about=first)
    assert texts(incident)[1] == (
        "Team chat",
        "“I dropped the table”, which Eve (@eve) wrote, was taken back in chat. It stays in this record.",
    )


def test_after_the_end_nothing_is_taken_and_that_is_said_once(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    incidents.stand_down(incident, by=mara, words="Over")
    before = len(texts(incident))
    for words in ("Really?", "Hello?"):
        memory.write(chat, room, "@eve", words)
    send(chat)
    assert len(texts(incident)) == before
    assert len([line for line in there.rooms[room.external_id] if "not in its record. Reopen" in line]) == 1
    assert there.topics[room.external_id].startswith("Closed.")


def test_who_is_here_is_invited_there(there: memory.There, chat: Workspace, room: Room, bo: Person) -> None:
    memory.known(chat, bo, "@bo")
    assert room.incident is not None
    for _ in range(2):
        incidents.be_here(room.incident, by=bo, doing="logs")
    incidents.be_here(room.incident, by=bo, doing="disks")
    world.fire_all()
    send(chat)
    assert there.invited == [(room.external_id, "@bo")]


def test_a_code_says_once_who_somebody_is(there: memory.There, chat: Workspace, room: Room, bo: Person) -> None:
    code = actions.make_code(bo)
    memory.write(chat, room, "@bo", f"!link {code}")
    memory.write(chat, room, "@eve", f"!link {code}")
    handle = queries.handle(chat, "@bo")
    assert handle is not None
    assert (handle.person, handle.is_confirmed_by_person) == (bo, True)
    assert queries.handle(chat, "@eve") is None
    send(chat)
    assert there.rooms[room.external_id][-2].startswith("Thank you, Bo Silva.")


def test_a_code_is_over_after_ten_minutes(chat: Workspace, bo: Person) -> None:
    code = actions.make_code(bo)
    world.fast_forward(timedelta(minutes=11))
    with pytest.raises(BadInput):
        actions.confirm(chat, "@bo", code)


def test_who_lost_access_is_nobody_there(chat: Workspace, bo: Person) -> None:
    memory.known(chat, bo, "@bo")
    Person.objects.filter(pk=bo.pk).update(is_active=False)
    assert queries.handle(chat, "@bo") is None
