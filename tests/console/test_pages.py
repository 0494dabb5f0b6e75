"""Screens of pages: the list, what can be done with one, and paging somebody or a whole team by hand."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.paging import actions
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.console.conftest import SignIn


@pytest.fixture
def page(bo: Person) -> Page:
    """A page that nobody has."""
    return actions.page_people([bo], actions.Words("Disk full"), reason=actions.Reason(), by=None)


@pytest.fixture
def browser(signed_in: SignIn, bo: Person) -> Client:
    """A responder's browser."""
    return signed_in(bo)


def do(browser: Client, page: Page, **said: object) -> str:
    answer = browser.post(
        f"/pages/{page.pk}/change/", {key.replace("_", "-"): v for key, v in said.items()}, follow=True
    )
    page.refresh_from_db()
    return answer.content.decode()


def test_a_page_is_snoozed_from_its_screen(browser: Client, page: Page, bo: Person) -> None:
    html = do(browser, page, do="snooze", minutes="30")

    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, bo)
    assert page.snoozed_until is not None
    assert page.snoozed_until - now() <= timedelta(minutes=30)
    assert "It comes back to you then." in html


def test_a_page_is_given_back_and_handed_on(browser: Client, page: Page, bo: Person, ada: Person) -> None:
    actions.acknowledge(page, by=bo, via=actions.Via.SCREEN)
    do(browser, page, do="give-back")
    assert page.state == Page.State.TRIGGERED

    html = do(browser, page, do="hand-on", person=ada.pk)

    assert "Ada Lamb is asked now." in html
    assert page.plan["head"] == 1


@pytest.mark.parametrize(
    "said",
    [
        {"do": "snooze", "minutes": "9999999"},
        {"do": "hand-on", "person": "99999999999999999999"},
        {"do": "add", "person": ""},
        {"do": "x"},
    ],
)
def test_what_is_not_one_of_the_choices_changes_nothing(browser: Client, page: Page, said: dict[str, str]) -> None:
    assert browser.post(f"/pages/{page.pk}/change/", said).status_code == 302
    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


def test_a_viewer_changes_nothing(signed_in: SignIn, vera: Person, page: Page) -> None:
    assert signed_in(vera).post(f"/pages/{page.pk}/change/", {"do": "give-back"}).status_code == 403


@pytest.mark.parametrize("state", ["open", "live", "old", "all", "nonsense"])
def test_the_list_of_pages_says_what_is_there(browser: Client, page: Page, state: str) -> None:
    html = browser.get("/pages/", {"state": state, "before": "not a number"}).content.decode()

    assert ("Disk full" in html) == (state != "old")
    assert state != "old" or "Nothing was forgotten." in html


def test_the_list_of_pages_has_a_next_part(browser: Client, bo: Person) -> None:
    for number in range(51):
        actions.page_people([bo], actions.Words(f"page {number}"), reason=actions.Reason(), by=None)

    first = browser.get("/pages/").content.decode()
    last = browser.get("/pages/", {"before": Page.objects.order_by("pk")[1].pk}).content.decode()

    assert ">page 0<" not in first
    assert "Earlier pages" in first
    assert ">page 0<" in last


def test_a_whole_team_is_paged_only_after_a_second_yes(browser: Client, bo: Person, ada: Person) -> None:
    team = world.team(bo, ada)
    said = {"team": team.pk, "title": "All hands"}
    html = browser.post("/reach/", said).content.decode()
    assert "It would page everybody in Web: 2 people" in html
    assert not Page.objects.exists()

    sure = html.partition('name="sure" value="')[2].partition('"')[0]
    assert browser.post("/reach/", said | {"sure": sure}).status_code == 302

    assert Page.objects.get().plan["steps"][0]["targets"] == [{"type": "team", "id": team.pk}]


def test_a_yes_counts_only_for_the_people_it_was_about(browser: Client, bo: Person, ada: Person, vera: Person) -> None:
    team = world.team(bo, ada)
    said = {"team": team.pk, "title": "All hands"}
    sure = browser.post("/reach/", said).content.decode().partition('name="sure" value="')[2].partition('"')[0]
    world.people.add_member(team, vera, actor="raglan")

    html = browser.post("/reach/", said | {"sure": sure}).content.decode()

    assert "3 people" in html
    assert not Page.objects.exists()


def test_it_shows_what_somebody_is_in_before_they_are_paged(browser: Client, bo: Person, ada: Person) -> None:
    other = actions.page_people([ada], actions.Words("Site down"), reason=actions.Reason(), by=None)
    actions.acknowledge(other, by=ada, via=actions.Via.SCREEN)

    html = browser.get("/reach/", {"person": ada.pk}).content.decode()

    assert "Ada Lamb is in something now" in html
    assert "Site down" in html


def test_who_is_in_something_is_paged_only_after_a_second_yes(browser: Client, bo: Person, ada: Person) -> None:
    other = actions.page_people([ada], actions.Words("Site down"), reason=actions.Reason(), by=None)
    actions.acknowledge(other, by=ada, via=actions.Via.SCREEN)
    said = {"person": ada.pk, "title": "Please look"}

    html = browser.post("/reach/", said).content.decode()

    assert "Ada Lamb is in something now" in html
    assert Page.objects.count() == 1
    sure = html.partition('name="sure" value="')[2].partition('"')[0]
    assert browser.post("/reach/", said | {"sure": sure}).status_code == 302
    assert Page.objects.count() == 2
    shown = browser.get("/reach/", {"person": bo.pk}).content.decode()
    assert 'name="sure"' in shown  # whoever saw it already is not asked again


def test_one_must_choose_a_person_or_a_team(browser: Client, bo: Person) -> None:
    team = world.team(bo)
    for said in ({}, {"person": bo.pk, "team": team.pk}):
        assert browser.post("/reach/", {"title": "x", **said}).status_code == 422
    assert not Page.objects.exists()
