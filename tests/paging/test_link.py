from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client

from raglan.core.models import Event
from raglan.paging import queries
from raglan.paging.models import Page, Reached
from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture
def paged(outbox: world.Outbox) -> tuple[Page, Person, str]:
    """A page, whom it reached, and the address in the message."""
    mara = world.person("Mara Keller")
    page = world.page(world.policy((300, [mara]), (300, [world.person("Bo Silva")])))
    return page, mara, outbox.sent[0].message.link.partition("/p/")[2].join(("/p/", ""))


Paged = tuple[Page, Person, str]


@pytest.fixture
def stranger() -> Client:
    """A browser without a session that lets no missing CSRF token pass."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_tells_nobody_anything(paged: Paged, stranger: Client, method: str) -> None:
    page, _, path = paged
    before = Event.objects.count()

    answers = [getattr(stranger, method)(path, headers={"purpose": "prefetch"}) for _ in range(3)]

    page.refresh_from_db()
    assert [answer.status_code for answer in answers] == [200] * 3
    assert (page.state, Event.objects.count()) == (Page.State.TRIGGERED, before)


def test_the_screen_shows_the_three_answers_and_needs_no_script(paged: Paged, stranger: Client) -> None:
    text = stranger.get(paged[2]).content.decode()

    for value in ("have", "pass"):
        assert f'value="{value}"' in text
    assert paged[0].title in text
    assert "<form" in text


def test_a_button_takes_the_page_without_a_session(paged: Paged, stranger: Client) -> None:
    page, mara, path = paged

    answer = stranger.post(path, {"answer": "have"})

    page.refresh_from_db()
    assert answer.status_code == 302
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)
    assert Event.objects.get(kind="page.acknowledged").data["via"] == "link"


def test_pressing_twice_takes_it_once(paged: Paged, stranger: Client) -> None:
    for _ in range(2):
        assert stranger.post(paged[2], {"answer": "have"}).status_code == 302

    assert Event.objects.filter(kind="page.acknowledged").count() == 1


def test_a_button_passes_the_page_on(paged: Paged, stranger: Client) -> None:
    page, mara, path = paged

    stranger.post(path, {"answer": "pass"})

    assert Reached.objects.get(page=page, person=mara).answer == Reached.Answer.PASSED_ON


def test_when_somebody_else_was_faster_one_joins(paged: Paged, stranger: Client) -> None:
    page, mara, path = paged
    bo = Person.objects.get(name="Bo Silva")
    stranger.post(f"/p/{queries.link_token(page, bo)}/", {"answer": "have"})

    stranger.post(path, {"answer": "have"})

    page.refresh_from_db()
    assert page.acknowledged_by == bo
    assert Reached.objects.get(page=page, person=mara).answer == Reached.Answer.JOINS


def test_an_unknown_answer_is_refused(paged: Paged, stranger: Client) -> None:
    page, _, path = paged

    assert stranger.post(path, {"answer": "delete"}).status_code == 400

    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_link_opens_nothing(paged: Paged, stranger: Client, method: str) -> None:
    page, _, path = paged
    forged = [path[:-3] + "x/", "/p/1:1/", f"/p/{signing.TimestampSigner(salt='other').sign_object('1:1')}/"]

    answers = [getattr(stranger, method)(place, {"answer": "have"}).status_code for place in forged]

    page.refresh_from_db()
    assert answers == [404] * 3
    assert page.state == Page.State.TRIGGERED


def test_a_link_ends_after_three_days(paged: Paged, stranger: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LINK_AGE", timedelta(seconds=-1))

    assert stranger.get(paged[2]).status_code == 404
    assert stranger.post(paged[2], {"answer": "have"}).status_code == 404


def test_the_link_of_somebody_who_left_opens_nothing(paged: Paged, stranger: Client) -> None:
    _, mara, path = paged
    world.people.deactivate(mara, by=world.administrator())

    assert stranger.get(path).status_code == 404


def test_the_link_is_kept_out_of_caches_indexes_and_other_sites(paged: Paged, stranger: Client) -> None:
    answer = stranger.get(paged[2])

    assert "no-store" in answer["Cache-Control"]
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["Referrer-Policy"] in ("same-origin", "no-referrer")


def test_a_link_answers_for_its_own_page_only(paged: Paged, outbox: world.Outbox, stranger: Client) -> None:
    other = world.page(world.policy((300, [paged[1]])), "Another thing")

    stranger.post(paged[2], {"answer": "have"})

    other.refresh_from_db()
    assert other.state == Page.State.TRIGGERED
