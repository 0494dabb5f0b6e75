"""A heads-up given by hand: from Now, with one text."""

import pytest
from django.test import Client

from raglan.core.errors import NotAllowed
from raglan.incidents import queries
from raglan.incidents.models import Entry, HeadsUp
from raglan.incidents.rest import heads_ups as rest
from raglan.people.models import Person
from raglan.testing import world
from tests.console.conftest import SignIn
from tests.console.test_own_rest import asks


@pytest.fixture
def browser(signed_in: SignIn, bo: Person) -> Client:
    return signed_in(bo)


def test_now_and_the_question_what_is_wrong_lead_to_it(browser: Client) -> None:
    for address in ("/", "/wrong/"):
        assert 'href="/heads-up/"' in browser.get(address).content.decode()


def test_one_text_is_enough_and_the_answer_thanks_and_says_who_is_told(
    browser: Client, bo: Person, ada: Person
) -> None:
    world.schedule(ada, of=world.team(bo, ada))

    answer = browser.post("/heads-up/", {"text": "I may have broken httpd"}, follow=True)

    given = HeadsUp.objects.get()
    assert answer.redirect_chain == [(f"/incidents/{given.incident_id}/", 302)]
    assert f"{queries.THANKS} {ada.name} will be told at once." in answer.content.decode()


def test_when_nobody_is_told_the_answer_says_so(browser: Client) -> None:
    answer = browser.post("/heads-up/", {"text": "I may have broken httpd"}, follow=True)

    assert "Nobody else is on call for this" in answer.content.decode()


def test_what_was_done_seen_reached_and_needed_goes_along(browser: Client) -> None:
    service = world.service("httpd")
    more = {"did": "a pin change", "saw": "503", "reach": "all of web", "need": "a second look", "services": "httpd"}

    browser.post("/heads-up/", {"text": "I broke it", **more})

    given = HeadsUp.objects.get()
    assert (given.did, given.saw, given.reach, given.need) == ("a pin change", "503", "all of web", "a second look")
    assert list(given.services.all()) == [service]
    assert "I saw: 503" in Entry.objects.get(kind=Entry.Kind.HEADS_UP).text


def test_without_text_it_asks_and_keeps_what_was_typed(browser: Client) -> None:
    answer = browser.post("/heads-up/", {"text": " ", "saw": "503 everywhere"})

    assert answer.status_code == 422
    assert "503 everywhere" in answer.content.decode()
    assert not HeadsUp.objects.exists()


def test_a_viewer_gives_none(signed_in: SignIn, vera: Person) -> None:
    browser = signed_in(vera)

    assert 'href="/heads-up/"' not in browser.get("/").content.decode()
    assert browser.post("/heads-up/", {"text": "I broke it"}).status_code == 403
    assert not HeadsUp.objects.exists()


def test_the_words_of_thanks_are_chosen_under_setup(signed_in: SignIn, ada: Person, bo: Person) -> None:
    browser = signed_in(ada)
    assert 'href="/setup/heads-up/"' in browser.get("/setup/").content.decode()

    browser.post("/setup/heads-up/", {"words": "Good that you say so."})

    assert queries.thanks() == "Good that you say so."
    assert signed_in(bo).post("/setup/heads-up/", {"words": "No."}).status_code == 403
    assert queries.thanks() == "Good that you say so."


def test_the_words_of_thanks_are_read_and_chosen_by_rest(ada: Person, bo: Person) -> None:
    assert rest.show_thanks(asks(bo)).words == queries.THANKS
    with pytest.raises(NotAllowed):
        rest.change_thanks(asks(bo), rest.ThanksIn(words="No."))

    assert rest.change_thanks(asks(ada), rest.ThanksIn(words="Good.")).words == "Good."

    assert rest.show_thanks(asks(bo)).words == "Good."


def test_rest_says_who_will_be_told_and_thanks(bo: Person, ada: Person) -> None:
    world.schedule(ada, of=world.team(bo, ada))

    given = rest.heads_up(asks(bo), rest.HeadsUpIn(text="I broke it")).value

    assert (given.told, given.thanks) == ([ada.name], queries.THANKS)
