"""A page that has no policy is never nothing: when nobody answers, or nobody can be reached, the fallback is asked."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.clock import now
from raglan.paging import actions, coming
from raglan.paging.models import Page
from raglan.paging.plan import Urgency
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]
WORDS = actions.Words("Can you look?")
STEP = timedelta(minutes=5)


def page_by_hand(*whom: Person, urgency: Urgency = Urgency.HIGH) -> Page:
    page = actions.page_people(whom, WORDS, reason=actions.Reason(), by=None, urgency=urgency, falls_back=True)
    world.fire_all()
    page.refresh_from_db()
    return page


def told_of(page: Page, outbox: world.Outbox) -> list[tuple[str, int]]:
    """Return who was told of a page, and after how many seconds."""
    return [
        (item.message.person_name, int((item.at - page.created_at).total_seconds()) // 10 * 10)
        for item in outbox.sent
        if item.message.page_id == page.pk
    ]


def test_when_nobody_answers_the_administrators_are_asked(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = page_by_hand(world.person("Mara Keller"))

    world.fast_forward(timedelta(minutes=11))

    assert told_of(page, outbox) == [("Mara Keller", 0), ("Mara Keller", 300), ("Ada Lamb", 600)]
    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED
    assert "page.fell_back" in [event.kind for event in timeline.about(page)]


def test_when_the_fallback_is_silent_too_it_counts_as_unanswered(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = page_by_hand(world.person("Mara Keller"))

    world.fast_forward(timedelta(minutes=31))

    assert [name for name, _ in told_of(page, outbox)] == ["Mara Keller"] * 2 + ["Ada Lamb"] * 4
    page.refresh_from_db()
    assert (page.state, page.next_step_at) == ("unanswered", None)


def test_whoever_answers_in_time_keeps_the_fallback_asleep(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara = world.person("Mara Keller")
    page = page_by_hand(mara)
    actions.acknowledge(page, by=mara, via=actions.Via.LINK)

    world.fast_forward(timedelta(minutes=11))

    assert told_of(page, outbox) == [("Mara Keller", 0)]


def test_when_nobody_can_be_reached_it_falls_back_at_once(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara = world.person("Mara Keller")
    world.mail_of(mara).delete()

    page = page_by_hand(mara)

    assert told_of(page, outbox) == [("Ada Lamb", 0)]


def test_a_team_that_was_left_by_all_in_between_falls_back_at_once(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara = world.person("Mara Keller")
    page = actions.page_team(world.team(mara), WORDS, reason=actions.Reason(), by=None)
    Person.objects.filter(pk=mara.pk).update(is_active=False)

    world.fire_all()

    assert told_of(page, outbox) == [("Ada Lamb", 0)]


def test_when_all_pass_it_on_it_falls_back_at_once(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = page_by_hand(mara, bo)

    actions.pass_on(page, by=mara, via=actions.Via.LINK)
    world.fire_all()
    assert [name for name, _ in told_of(page, outbox)] == ["Mara Keller", "Bo Silva"]
    page.refresh_from_db()
    actions.pass_on(page, by=bo, via=actions.Via.LINK)
    page.refresh_from_db()
    assert [item.person.name for item in coming.next_people(page, now())] == ["Ada Lamb"]
    world.fire_all()

    assert [name for name, _ in told_of(page, outbox)] == ["Mara Keller", "Bo Silva", "Ada Lamb"]


def test_one_that_waits_for_daylight_falls_back_in_daylight(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = page_by_hand(world.person("Mara Keller"), urgency=Urgency.LOW)
    hours = actions.by_hand((), "Europe/Berlin").hours
    assert hours is not None

    while not any(item.message.person_name == "Ada Lamb" for item in outbox.sent):
        page.refresh_from_db()
        assert page.next_step_at is not None
        assert hours.opens(page.next_step_at) == page.next_step_at
        world.fast_forward(page.next_step_at - now() + timedelta(seconds=1))


def test_news_that_only_tell_something_have_nothing_behind_them(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = actions.page_people([world.person("Mara Keller")], WORDS, reason=actions.Reason(), by=None)

    world.fast_forward(timedelta(minutes=11))

    assert {name for name, _ in told_of(page, outbox)} == {"Mara Keller"}
    assert coming.behind(page) is None


def test_it_says_what_comes_when_nobody_answers(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = page_by_hand(world.person("Mara Keller"))

    behind = coming.behind(page)
    assert behind is not None
    assert page.next_step_at is not None
    assert (behind.at, behind.names) == (page.next_step_at + STEP, "Ada Lamb")
    assert coming.next_words(page, "at 9") == "If nobody answers, Mara Keller is paged at 9."

    world.fast_forward(timedelta(minutes=6))
    page.refresh_from_db()
    assert coming.next_words(page, "at 9") == "If nobody answers, Ada Lamb is paged at 9."
    again = coming.behind(page)
    assert again is not None
    assert again.at == page.next_step_at

    world.fast_forward(STEP)
    page.refresh_from_db()
    assert coming.behind(page) is None  # it has come


def test_without_administrators_it_says_that_nothing_stands_behind_it(outbox: world.Outbox) -> None:
    page = page_by_hand(world.person("Mara Keller"))
    world.fast_forward(timedelta(minutes=6))

    page.refresh_from_db()
    behind = coming.behind(page)
    assert behind is not None
    assert behind.people == ()
    assert "counts as unanswered" in coming.next_words(page)
    world.fast_forward(STEP)
    page.refresh_from_db()
    assert page.state == Page.State.UNANSWERED


def test_what_the_fallback_policy_was_changed_to_counts(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    world.policy((300, [world.person("Bo Silva")]), slug="fallback")
    assert [item.person.name for item in coming.whom_at_last(now())] == ["Ada Lamb"]  # a policy only of that name

    fallback = actions.ensure_fallback()
    assert fallback is not None
    world.policy((300, [world.team()]), (300, [world.person("Jun Tan")]), slug=fallback.slug)

    assert [item.person.name for item in coming.whom_at_last(now())] == ["Jun Tan"]


def test_rest_says_so() -> None:
    ada, mara = world.administrator("Ada Lamb"), world.person("Mara Keller")
    secret = people.issue_token(ada, name="t", scopes=["read", "page"], days=9, actor=ada)[1]
    head = {"Authorization": f"Bearer {secret}"}
    body = {"title": "Help", "person_id": mara.pk}

    made = Client().post("/api/v1/pages", body, content_type="application/json", headers=head).json()
    read = Client().get(f"/api/v1/pages/{made['id']}", headers=head).json()

    page = Page.objects.get(pk=made["id"])
    behind = coming.behind(page)
    assert behind is not None
    assert made["falls_back_at"] == read["falls_back_at"] is not None
    assert read["falls_back_to"] == ["Ada Lamb"]

    listed = Client().get("/api/v1/pages", headers=head).json()
    assert [row["falls_back_at"] for row in listed] == [made["falls_back_at"]]


def test_the_screens_say_so() -> None:
    ada, mara = world.administrator("Ada Lamb"), world.person("Mara Keller")
    browser = Client()
    browser.force_login(mara)
    words = "or nobody can be reached, Ada Lamb is paged by the fallback policy."
    team = world.team(mara)

    assert words in browser.get("/reach/").content.decode()
    shown = browser.post("/reach/", {"team": team.pk, "title": "Help", "urgency": "high"}).content.decode()
    assert words in shown
    Person.objects.filter(pk=ada.pk).update(role=Person.Role.RESPONDER)
    assert "counts as unanswered" in browser.get("/reach/").content.decode()

    sent = browser.post("/reach/", {"person": mara.pk, "title": "Help", "urgency": "high"})
    assert sent.status_code == 302
    assert "this page counts as unanswered" in browser.get(sent["Location"]).content.decode()
