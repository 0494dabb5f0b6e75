"""What a page says of its next step is what will happen."""

from datetime import timedelta

from raglan.paging import actions, coming
from raglan.paging.models import Page, Reached
from raglan.testing import world


def test_whoever_passed_on_is_not_named(outbox: world.Outbox) -> None:
    mara, bo, jun = world.person("Mara Novak"), world.person("Bo Silva"), world.person("Jun Tan")
    page = world.page(world.policy((300, [mara]), (300, [bo]), (300, [mara, jun])))
    actions.pass_on(page, by=mara, via=actions.Via.LINK)
    world.fast_forward(timedelta(seconds=30))

    page.refresh_from_db()
    assert coming.next_words(page) == "If nobody answers, Jun Tan is paged in 5 min."
    assert outbox.sent[-1].message.person_name == "Bo Silva"
    assert outbox.sent[-1].message.next_words == "If nobody answers, Jun Tan is paged in 5 min."


def test_several_are_paged(outbox: world.Outbox) -> None:
    names = ("Bo Silva", "Jun Tan", "Sol Reyes")
    page = world.page(world.policy((300, [world.person("Mara Novak")]), (300, [world.person(one) for one in names])))

    assert coming.next_words(page) == "If nobody answers, Bo Silva, Jun Tan and Sol Reyes are paged in 5 min."


def test_a_step_whose_people_all_answered_is_only_followed(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Novak"), world.person("Bo Silva")
    page = world.page(world.policy((300, [mara]), (300, [bo]), (300, [mara])))
    actions.pass_on(page, by=mara, via=actions.Via.LINK)
    world.fast_forward(timedelta(seconds=30))

    page.refresh_from_db()
    assert coming.next_words(page) == "If nobody answers, its next step follows in 5 min."


def test_a_held_page_says_what_it_waits_for(outbox: world.Outbox) -> None:
    page = world.page(world.policy((300, [world.person("Mara Novak")])))
    Page.objects.filter(pk=page.pk).update(held_since=page.created_at, step=-1)
    page.reached.update(answer=Reached.Answer.PASSED_ON)
    page.refresh_from_db()

    words = coming.next_words(page)
    assert words == "Nobody is on call for its next step. It waits until somebody is, and looks again in 5 min."
