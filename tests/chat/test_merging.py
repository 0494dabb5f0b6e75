"""Who writes in the chat room of a merged incident is told where it goes on, and heard there."""

import pytest

from raglan.chat.models import Room, Workspace
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db


def test_words_in_the_old_room_there_land_where_it_goes_on(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person, bo: Person
) -> None:
    author = memory.known(chat, bo, "@bo")
    other = incidents.declare("Mail is late", by=mara)
    world.fire_all()
    send(chat)
    incidents.merge(incident, other, by=mara)
    world.fire_all()
    send(chat)
    assert f"This goes on as incident {other.pk}: Mail is late" in there.rooms[room.external_id][-1]
    memory.write(chat, room, author, "Still slow here")
    assert Entry.objects.get(text="Still slow here").incident == other


def test_a_room_there_goes_along_when_the_other_one_has_none(
    there: memory.There, chat: Workspace, room: Room, incident: Incident, mara: Person
) -> None:
    Workspace.objects.update(opens_rooms=False)
    other = incidents.declare("Mail is late", by=mara)
    incidents.merge(incident, other, by=mara)
    world.fire_all()
    incidents.post(other, incidents.Said(Entry.Kind.NOTE, "Fixed it"), by=mara)
    world.fire_all()
    send(chat)
    room.refresh_from_db()
    assert room.incident == other
    assert "Fixed it" in there.rooms[room.external_id][-1]
