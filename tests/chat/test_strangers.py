"""A heads-up in chat counts of whomever: it is open, the right people are told, and nobody is kept up by it."""

import pytest

from raglan.chat.models import Room, Workspace
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, HeadsUp, Incident
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_commands import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(there: memory.There, chat: Workspace, room: Room) -> Desk:
    """An incident's room, and nobody in it whom anybody knows."""
    return Desk(there, chat, room.external_id)


def test_whoever_warns_is_thanked_and_whoever_is_on_call_is_told(desk: Desk, bo: Person) -> None:
    pins = world.service(owner=world.team(bo), slug="pins")
    world.schedule(bo, of=pins.team)
    said = "\n".join(desk.says("!heads-up I may have broken the pins, it is mine; services: pins", "@eve"))
    given = HeadsUp.objects.get()
    assert (given.person, given.who, list(given.services.all())) == (None, "Eve (@eve)", [pins])
    assert said.startswith("Thank you for saying so at once. Bo Silva is told now.")
    assert "write here !link" in said
    page = Page.objects.get()
    assert (page.title, [one.person for one in page.reached.all()]) == ("Heads-up from Eve (@eve)", [bo])
    assert given.incident is not None
    assert (given.incident.title, given.incident.is_private) == (
        "Heads-up: I may have broken the pins, it is mine",
        False,
    )
    entry = Entry.objects.get(kind=Entry.Kind.HEADS_UP)
    assert (entry.author, entry.author_words) == (None, "Eve (@eve)")
    send(desk.chat)
    told = desk.there.rooms[f"inc-{given.incident_id}"]
    assert told[0].startswith(f"Incident {given.incident_id}: Heads-up: I may have broken the pins, it is mine. http")


def test_whoever_takes_the_page_thanks_them(desk: Desk, bo: Person) -> None:
    world.schedule(bo, of=world.service(owner=world.team(bo), slug="pins").team)
    desk.says("!heads-up I may have broken it; services: pins", "@eve")
    paging.acknowledge(Page.objects.get(), by=bo, via=paging.Via.CHAT)
    world.fire_all()
    assert HeadsUp.objects.get().thanked_at is not None


def test_ordinary_words_of_strangers_page_nobody(desk: Desk, bo: Person) -> None:
    for slug in ("web", "mail", "search"):
        world.schedule(bo, of=world.service(owner=world.team(bo, name=slug), slug=slug).team)
    assert "Nobody is told by the pager yet" in desk.says("!heads-up web mail search are slow", "@eve")[-1]
    assert not Page.objects.exists()


@pytest.mark.parametrize("where", ["words", "room"])
def test_strangers_warn_of_two_services_at_most(desk: Desk, incident: Incident, where: str) -> None:
    services = [world.service(slug) for slug in ("web", "mail", "search")]
    if where == "room":
        incident.services.set(services)
    desk.says("!heads-up it broke" + ("; services: web, mail, search" if where == "words" else ""), "@eve")
    assert list(HeadsUp.objects.get().services.order_by("pk")) == services[:2]


def test_strangers_add_no_service_to_a_room_that_is_there(desk: Desk, incident: Incident) -> None:
    web, _ = world.service("web"), world.service("mail")
    incident.services.set([web])
    desk.says("!heads-up it broke; services: web, mail", "@eve")
    assert HeadsUp.objects.get().incident == incident
    assert list(incident.services.all()) == [web]


def test_without_a_service_it_says_that_nobody_is_told(desk: Desk) -> None:
    assert "Nobody is told by the pager yet" in desk.says("!heads-up it was me", "@eve")[-1]
    assert (HeadsUp.objects.count(), Page.objects.count()) == (1, 0)


def test_many_of_strangers_are_too_many(desk: Desk) -> None:
    for number in range(3):
        desk.says(f"!heads-up number {number}", "@eve")
    assert HeadsUp.objects.count() == 2
    for number in range(8):
        said = desk.says(f"!heads-up from {number}", f"@eve{number}")
    assert HeadsUp.objects.count() == 6
    assert said[0].startswith("That is many heads-ups")


def test_another_name_makes_nobody_another_person(desk: Desk) -> None:
    for number in range(3):
        memory.write(desk.chat, desk.room, "@eve", f"!heads-up number {number}", author_name=f"Eve {number}")
    assert HeadsUp.objects.count() == 2


def test_nothing_of_a_private_incident_is_touched_or_told(desk: Desk, incident: Incident, mara: Person) -> None:
    pins = world.service(slug="pins")
    incident.services.add(pins)
    incidents.make_private(incident, "Names of customers", by=mara)
    world.fire_all()
    memory.write(desk.chat, desk.room, "@eve", "!heads-up it broke; services: pins")
    given = HeadsUp.objects.get()
    assert given.incident_id != incident.pk


def test_in_a_room_that_is_none_of_ours_nobody_is_taken_at_their_word(desk: Desk) -> None:
    desk.room = "elsewhere"
    assert "do not know who you are" in desk.says("!heads-up it was me", "@eve")[0]
    assert not HeadsUp.objects.exists()
