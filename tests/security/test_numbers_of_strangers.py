"""Where a screen expects a number, anything may stand; nothing of it may end in an error of the server."""

import pytest
from django.test import Client

from raglan.incidents import actions as incidents
from raglan.paging.models import NotificationRule
from raglan.people import actions as people
from raglan.people.models import ContactMethod, Person
from raglan.testing import world

pytestmark = pytest.mark.django_db
STRANGE = ["²", "9" * 20, "9" * 5000, "-1", "1e9", "\x00", "٣", ""]


@pytest.fixture
def ada() -> Person:
    return people.add_person(email="ada@example.test", name="Ada Lamb", role=Person.Role.ADMINISTRATOR, actor="raglan")


@pytest.fixture
def browser(ada: Person) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.mark.parametrize("word", STRANGE)
def test_an_address_with_a_strange_number_shows_the_screen(browser: Client, ada: Person, word: str) -> None:
    room = incidents.declare("Checkout is slow", by=ada)
    for path, name in (
        ("/wrong/", "group"),
        (f"/incidents/{room.pk}/", "before"),
        ("/incidents/", "page"),
        ("/alerts/", "page"),
        ("/alerts/", "q"),
        ("/reach/", "person"),
        ("/reach/", "incident"),
    ):
        assert browser.get(path, {name: word}).status_code == 200, (path, name)


@pytest.mark.parametrize("word", STRANGE)
def test_a_form_with_a_strange_number_is_answered(browser: Client, ada: Person, word: str) -> None:
    contact = ContactMethod.objects.get(person=ada)
    with world.outbox(world.Outbox()):
        for path, data in (
            ("/wrong/", {"group": word, "title": "Checkout is slow"}),
            ("/you/rules/", {f"delay-{contact.pk}": word}),
            ("/setup/test/", {"contact": word}),
            ("/reach/", {"person": word, "title": "Wake up"}),
        ):
            assert browser.post(path, data).status_code < 500, path
    assert not NotificationRule.objects.filter(delay_s__gt=86_400).exists()
