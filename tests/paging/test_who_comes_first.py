"""A page that asks a named person first goes on with its plan when that person is not there any more."""

from datetime import timedelta

import pytest

from raglan.core.clock import now
from raglan.paging import actions, returning
from raglan.paging.models import Page
from raglan.paging.plan import WhenNobody
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Person:
    return world.administrator("Ada Lamb")


@pytest.fixture
def bo() -> Person:
    return world.person("Bo Lind")


def rings(bo: Person, choice: WhenNobody) -> Page:
    """Return a page that rang those whom its plan names."""
    policy = world.policy((300, [bo]), choices=actions.Choices(when_nobody=choice))
    words = actions.Words("disk full", "", "critical")
    page = actions.start(policy, words, reason=actions.Reason("group", 1, "/"))
    world.fire_all()
    return page


def asked(page: Page, outbox: world.Outbox, since: int) -> set[str]:
    """Return who was written to of a page after so many messages."""
    return {item.message.person_name for item in outbox.sent[since:] if item.message.page_id == page.pk}


@pytest.mark.parametrize("choice", list(WhenNobody))
def test_a_snooze_of_who_left_comes_back_to_those_whom_the_plan_names(
    outbox: world.Outbox, admin: Person, mara: Person, bo: Person, choice: WhenNobody
) -> None:
    page = rings(bo, choice)
    returning.snooze(page, until=now() + timedelta(hours=1), by=mara, via=actions.Via.LINK)
    people.deactivate(mara, by=admin)
    world.fire_all()
    before = len(outbox.sent)

    world.fast_forward(timedelta(hours=1, minutes=1))

    page.refresh_from_db()
    assert (page.state, page.held_since, page.step) == (Page.State.TRIGGERED, None, 1)
    assert asked(page, outbox, before) == {"Bo Lind"}


@pytest.mark.parametrize("choice", list(WhenNobody))
def test_a_page_handed_on_to_who_then_leaves_goes_to_those_whom_the_plan_names(
    outbox: world.Outbox, admin: Person, mara: Person, bo: Person, choice: WhenNobody
) -> None:
    page = rings(bo, choice)
    before = len(outbox.sent)
    returning.hand_on(page, to=mara, by=bo)
    people.deactivate(mara, by=admin)

    world.fire_all()

    page.refresh_from_db()
    assert (page.state, page.held_since, page.step) == (Page.State.TRIGGERED, None, 1)
    assert asked(page, outbox, before) == {"Bo Lind"}


def test_whoever_owns_the_policy_hears_nothing_of_it(
    outbox: world.Outbox, admin: Person, mara: Person, bo: Person
) -> None:
    page = rings(bo, WhenNobody.HOLD)
    returning.hand_on(page, to=mara, by=bo)
    people.deactivate(mara, by=admin)

    world.fire_all()

    assert list(Page.objects.order_by("pk")) == [page]
