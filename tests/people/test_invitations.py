from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.core.errors import NotAllowed, NotFound
from raglan.people import actions
from raglan.people.models import ContactMethod, Invitation, Person

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]
FIELDS = {"password": PASSWORD, "time_zone": "Europe/Berlin"}


def invite(make_person: Make, role: str = "responder") -> tuple[Person, str]:
    boss = make_person("Hana Lind", role="administrator")
    person, link = actions.invite(email="ike@example.org", name="Ike Okafor", role=role, by=boss)
    return person, "/" + link.split("/", 3)[3]


def test_an_invited_person_chooses_a_password_and_is_signed_in(browser: Client, make_person: Make) -> None:
    person, path = invite(make_person)
    assert "Welcome, Ike Okafor" in browser.get(path).content.decode()
    assert browser.post(path, FIELDS).status_code == 302
    assert "Ike Okafor" in browser.get("/you/").content.decode()
    person.refresh_from_db()
    assert person.time_zone == "Europe/Berlin"


def test_the_address_is_the_first_way_to_reach_them(make_person: Make) -> None:
    person, _ = invite(make_person)
    assert ContactMethod.objects.get(person=person).address == "ike@example.org"


def test_an_invitation_works_once(browser: Client, make_person: Make) -> None:
    _, path = invite(make_person)
    browser.post(path, FIELDS)
    assert Client(SERVER_NAME="localhost").post(path, FIELDS).status_code == 404


def test_an_invitation_ends_after_a_week(make_person: Make) -> None:
    _, path = invite(make_person)
    CLOCK.move(timedelta(days=7, seconds=1))
    with pytest.raises(NotFound):
        actions.invitation(path.split("/")[2])


def test_opening_an_invitation_uses_nothing_up(browser: Client, make_person: Make) -> None:
    _, path = invite(make_person)
    assert [browser.get(path).status_code, browser.head(path).status_code, browser.get(path).status_code] == [200] * 3


def test_the_address_of_an_invitation_goes_nowhere_else(browser: Client, make_person: Make) -> None:
    _, path = invite(make_person)
    answer = browser.get(path)
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("same-origin", "noindex")
    assert "no-store" in answer["Cache-Control"]


def test_the_secret_of_an_invitation_is_not_stored(make_person: Make) -> None:
    _, path = invite(make_person)
    assert path.split("/")[2] not in str(list(Invitation.objects.values()))


def test_an_easy_password_is_refused_and_the_link_stays(browser: Client, make_person: Make) -> None:
    _, path = invite(make_person)
    assert browser.post(path, FIELDS | {"password": "ike@example.org"}).status_code == 422
    assert browser.post(path, FIELDS).status_code == 302


def test_an_invitation_ends_with_the_person(make_person: Make) -> None:
    person, path = invite(make_person)
    actions.deactivate(person, by=Person.objects.get(role="administrator"))
    with pytest.raises(NotFound):
        actions.invitation(path.split("/")[2])


def test_a_manager_makes_no_administrator_and_no_link_into_their_account(make_person: Make) -> None:
    boss, manager = make_person("Hana Lind", role="administrator"), make_person(role="manager")
    with pytest.raises(NotAllowed):
        actions.invite(email="eve@example.org", name="Eve", role="administrator", by=manager)
    with pytest.raises(NotAllowed):
        actions.invitation_link(boss, by=manager)


def test_the_screen_shows_the_link_once(make_person: Make, sign_in: Callable[..., Client]) -> None:
    browser = sign_in(make_person(role="manager"))
    made = browser.post("/people/invite/", {"name": "Ike", "email": "ike@example.org", "role": "responder"})
    assert made.status_code == 201
    assert "/invitation/" in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert "/invitation/" not in browser.get("/people/").content.decode()


def test_an_address_that_is_known_is_said_at_its_field(make_person: Make, sign_in: Callable[..., Client]) -> None:
    browser = sign_in(make_person(role="manager"))
    made = browser.post("/people/invite/", {"name": "Again", "email": "MARA@example.org", "role": "responder"})
    assert made.status_code == 422
    page = made.content.decode()
    assert 'href="#id_email"' in page
    assert 'value="Again"' in page
