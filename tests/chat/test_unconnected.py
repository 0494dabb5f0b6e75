"""Where no platform is connected, chat plans nothing after what happens in a room."""

import pytest

from raglan.chat.models import Workspace
from raglan.core.clock import now
from raglan.core.models import Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory

pytestmark = pytest.mark.django_db


def planned(said: Entry) -> list[str]:
    """Return what chat has planned after an entry was posted."""
    timers = Timer.objects.order_by("pk")
    names = [str(timer.payload.get("reaction")) for timer in timers if timer.lane == f"incident:{said.incident_id}"]
    return [name.rpartition(".")[2] for name in names if name.startswith("raglan.chat.")]


def say_something(person: Person) -> Entry:
    incident = incidents.declare("Apache is down", by=person)
    world.fire_all()
    return incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "Graphs are gone"), by=person)


def test_nothing_is_planned_for_chat_that_is_not_there(mara: Person) -> None:
    assert planned(say_something(mara)) == []


def test_what_is_connected_hears_of_it(there: memory.There, mara: Person) -> None:
    memory.connect()
    assert planned(say_something(mara)) == ["mirror_entry"]


def test_what_was_disconnected_does_not(there: memory.There, mara: Person) -> None:
    chat = memory.connect()
    Workspace.objects.filter(pk=chat.pk).update(ended_at=now())
    assert planned(say_something(mara)) == []
