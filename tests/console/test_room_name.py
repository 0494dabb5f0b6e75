"""Words and severity of an incident are changed from its room, and by REST."""

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.errors import NotAllowed
from raglan.incidents import actions
from raglan.incidents.models import Incident
from raglan.incidents.rest import rooms as rest
from raglan.people.models import Person
from tests.console.conftest import SignIn
from tests.console.test_own_rest import asks


@pytest.fixture
def incident(bo: Person) -> Incident:
    return actions.declare("Something with httpd", by=bo)


@pytest.fixture
def browser(signed_in: SignIn, bo: Person) -> Client:
    return signed_in(bo)


def test_better_words_are_said_from_the_room(browser: Client, incident: Incident) -> None:
    room = f"/incidents/{incident.pk}/"
    assert f'href="{room}name/"' in browser.get(room).content.decode()
    assert 'value="Something with httpd"' in browser.get(f"{room}name/").content.decode()

    html = browser.post(f"{room}name/", {"title": "httpd is down in web", "severity": "sev2"}, follow=True).content

    assert "<h1>httpd is down in web</h1>" in html.decode()
    assert "Users are held up" in html.decode()
    assert "Title was: Something with httpd" in html.decode()


def test_no_words_are_refused_and_nothing_is_lost(browser: Client, incident: Incident) -> None:
    answer = browser.post(f"/incidents/{incident.pk}/name/", {"title": "  ", "severity": "sev2"})

    assert answer.status_code == 422
    assert '<option value="sev2" selected>' in answer.content.decode()


def test_a_reader_changes_nothing(signed_in: SignIn, vera: Person, incident: Incident) -> None:
    answer = signed_in(vera).post(f"/incidents/{incident.pk}/name/", {"title": "Mine", "severity": "sev1"})

    assert answer.status_code == 403
    incident.refresh_from_db()
    assert incident.title == "Something with httpd"
    with pytest.raises(NotAllowed):
        rest.rename(asks(vera), incident.pk, rest.NameIn(title="Mine"))


def test_rest_changes_one_and_keeps_the_other(bo: Person, incident: Incident) -> None:
    assert rest.rename(asks(bo), incident.pk, rest.NameIn(severity="sev1")).title == "Something with httpd"

    changed = rest.rename(asks(bo), incident.pk, rest.NameIn(title="httpd is down"))

    assert (changed.title, changed.severity) == ("httpd is down", "sev1")


def test_the_same_words_again_are_no_event(bo: Person, incident: Incident) -> None:
    before = timeline.newest_id()

    rest.rename(asks(bo), incident.pk, rest.NameIn(title=incident.title))

    assert timeline.newest_id() == before
