"""A tool that is not reachable is told from the page of a change that is under way, with a room or without one."""

import re

import pytest
from django.test import Client

from raglan.changes import proposing
from raglan.changes.models import Change
from raglan.incidents import actions, queries
from raglan.incidents.models import Incident, LostTool
from raglan.people.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def mara() -> Person:
    return Person.objects.create_person("mara@example.test", "Mara", role="responder")


@pytest.fixture
def browser(mara: Person) -> Client:
    client = Client()
    client.force_login(mara)
    return client


def under_way(person: Person) -> Change:
    expected = proposing.Expected("version", "nothing")
    draft = proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], expected)
    change = proposing.propose(draft, by=proposing.Teller(person.name, person, person))
    return proposing.turn(change, Change.State.UNDER_WAY, actor=person)


def test_the_first_one_opens_a_room_and_the_next_goes_there(browser: Client, mara: Person) -> None:
    change = under_way(mara)
    path = f"/changes/{change.pk}/"
    assert "Nobody misses a tool." in browser.get(path).content.decode()
    browser.post(f"{path}lost/", {"name": "Graphs", "room": ""})
    room = Incident.objects.get()
    assert (room.title, room.severity) == ("Raise the pin", Incident.Severity.UNKNOWN)
    page = browser.get(path).content.decode()
    assert f'<option value="{room.pk}" selected>Raise the pin</option>' in page
    assert f"/incidents/{room.pk}/#tool-{LostTool.objects.get().pk}" in page
    answer = browser.post(f"{path}lost/", {"name": "Run books", "room": str(room.pk)}, follow=True)
    assert "Run books stands on the list of the room" in answer.content.decode()
    assert [tool.name for tool in queries.lost_tools(room)] == ["Graphs", "Run books"]
    assert "Graphs" in browser.get(f"{path}part/lost/").content.decode()


@pytest.mark.parametrize(("name", "says"), [("  ", "Say what is not reachable"), ("Graphs", "closed")])
def test_what_can_not_be_said_is_told_and_opens_nothing(browser: Client, mara: Person, name: str, says: str) -> None:
    change = under_way(mara)
    room = actions.declare("Slow", by=mara)
    actions.stand_down(room, by=mara)
    answer = browser.post(f"/changes/{change.pk}/lost/", {"name": name, "room": str(room.pk)}, follow=True)
    assert says in answer.content.decode()
    assert not LostTool.objects.exists()
    assert Incident.objects.count() == 1


def test_a_private_room_of_others_is_neither_shown_nor_written_to(browser: Client, mara: Person) -> None:
    change = under_way(mara)
    other = Person.objects.create_person("kei@example.test", "Kei", role="responder")
    room = actions.make_private(actions.declare("A leak", by=other), "it names people", by=other)
    actions.lose_tool(room, "Secret tool", by=other)
    page = browser.get(f"/changes/{change.pk}/").content.decode()
    assert "A leak" not in page
    assert "Secret tool" not in page
    assert browser.post(f"/changes/{change.pk}/lost/", {"name": "Graphs", "room": str(room.pk)}).status_code == 404
    assert LostTool.objects.count() == 1


def test_no_room_about_something_else_is_chosen_beforehand(browser: Client, mara: Person) -> None:
    change = under_way(mara)
    other = actions.declare("The mail is late", by=mara)
    page = browser.get(f"/changes/{change.pk}/").content.decode()
    assert page.index("A new one about this change") < page.index(f'<option value="{other.pk}">The mail is late')


def test_a_room_that_was_closed_meanwhile_costs_no_words(browser: Client, mara: Person) -> None:
    change = under_way(mara)
    room, other = actions.declare("Slow", by=mara), actions.declare("Slower", by=mara)
    actions.stand_down(room, by=mara)
    body = {"name": "Graphs of <b>mail</b>", "room": str(room.pk)}
    page = browser.post(f"/changes/{change.pk}/lost/", body, follow=True).content.decode()
    assert 'value="Graphs of &lt;b&gt;mail&lt;/b&gt;"' in page
    assert re.search(r'<select id="lost-room"[^>]*aria-describedby="lost-room_error"', page)
    assert re.search(r'id="lost-room_error">.*?closed', page)
    assert f'<option value="{other.pk}">' in page
    fresh = browser.get(f"/changes/{change.pk}/").content.decode()
    assert 'id="lost-name" name="name" list="lost-names" required maxlength="120" autocomplete="off">' in fresh
