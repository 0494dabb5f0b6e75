from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.core.errors import NotFound
from raglan.people import actions
from raglan.people.models import Person, SetupLink

GIVEN = {
    "name": "Hana Lind",
    "email": "Hana@Example.org",
    "password": "four quiet words together",
    "time_zone": "Europe/Berlin",
}
pytestmark = pytest.mark.django_db


def path() -> str:
    link = actions.issue_setup_link()
    assert link is not None
    return "/setup/first/" + link.rpartition("/first/")[2]


def test_the_link_makes_an_administrator_who_is_signed_in(browser: Client) -> None:
    answer = browser.post(path(), GIVEN)
    assert answer.status_code == 302
    person = Person.objects.get()
    assert (person.role, person.email, person.time_zone) == ("administrator", "hana@example.org", "Europe/Berlin")
    assert browser.get("/you/").status_code == 200


def test_opening_the_link_uses_nothing_up(browser: Client) -> None:
    link = path()
    for _ in range(3):
        assert browser.get(link).status_code == 200
    assert not Person.objects.exists()
    assert browser.post(link, GIVEN).status_code == 302


def test_the_link_works_once(browser: Client) -> None:
    link = path()
    browser.post(link, GIVEN)
    again = Client(SERVER_NAME="localhost").post(link, GIVEN | {"email": "eve@example.org"})
    assert again.status_code == 404
    assert Person.objects.count() == 1


def test_a_refused_form_keeps_its_values_and_the_link(browser: Client) -> None:
    link = path()
    answer = browser.post(link, GIVEN | {"password": "short"})
    assert answer.status_code == 422
    assert 'value="Hana Lind"' in answer.content.decode()
    assert 'href="#id_password"' in answer.content.decode()
    assert browser.post(link, GIVEN).status_code == 302


def test_the_link_ends_after_a_day() -> None:
    link = path()
    CLOCK.move(timedelta(hours=24, seconds=1))
    with pytest.raises(NotFound):
        actions.setup_link(link.rstrip("/").rpartition("/")[2])


def test_a_fresh_link_ends_the_earlier_one(browser: Client) -> None:
    earlier, later = path(), path()
    assert browser.get(earlier).status_code == 404
    assert browser.get(later).status_code == 200


def test_no_link_is_made_once_somebody_exists(make_person: object) -> None:
    make_person()  # type: ignore[operator]  # a builder
    assert actions.issue_setup_link() is None


def test_the_secret_is_not_stored() -> None:
    secret = path().rstrip("/").rpartition("/")[2]
    assert secret not in str(list(SetupLink.objects.values()))
