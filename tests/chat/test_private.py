"""What became private is told in chat no more, and nothing is taken from there."""

import pytest

from raglan.chat import actions
from raglan.chat.models import Room, Workspace
from raglan.core.errors import Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db


def test_a_room_there_ends_with_a_word_and_hears_nothing_more(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person, bo: Person
) -> None:
    author = memory.known(chat, bo, "@bo")
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "This waits"), by=mara)
    world.fire_all()
    incidents.make_private(incident, "A key leaked", by=mara)
    memory.write(chat, room, author, "Said before raglan had left")
    world.fire_all()
    incidents.post(Incident.objects.get(), incidents.Said(Entry.Kind.NOTE, "Which key"), by=mara)
    world.fire_all()
    send(chat)
    memory.write(chat, room, author, "Said afterwards")
    assert there.rooms[room.external_id][-1] == actions.PARTED_WORDS
    assert there.topics[room.external_id] == actions.PARTED_WORDS
    said = " ".join(Entry.objects.values_list("text", flat=True))
    assert not [line for line in there.rooms[room.external_id] if "waits" in line or "key" in line]
    assert "Said" not in said


def test_commands_there_are_not_for_it(there: memory.There, chat: Workspace, room: Room, mara: Person) -> None:
    author = memory.known(chat, mara, "@mara")
    incidents.make_private(Incident.objects.get(), "A key leaked", by=mara)
    memory.write(chat, room, author, "!found it was me")
    assert not Entry.objects.filter(kind=Entry.Kind.FOUND).exists()


def test_one_that_is_private_from_the_start_has_no_room_there(chat: Workspace, mara: Person) -> None:
    private = incidents.make_private(incidents.declare("A key leaked", by=mara), "A key", by=mara)
    world.fire_all()
    assert not Room.objects.filter(incident=private).exists()
    with pytest.raises(Conflict, match="not told in chat"):
        actions.open_room(private, chat)
