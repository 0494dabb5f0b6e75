"""Where each must acknowledge, nobody waits for somebody who left."""

from datetime import timedelta

import pytest

from raglan.core.models import Event
from raglan.paging import actions
from raglan.paging.models import Page
from raglan.paging.plan import Acknowledge
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Person:
    return world.administrator("Ada Lamb")


@pytest.fixture
def mara() -> Person:
    return world.person("Mara Keller")


@pytest.fixture
def bo() -> Person:
    return world.person("Bo Silva")


def rings(*each: Person, then: Person) -> Page:
    """Return a page that rang people who must each acknowledge; after five minutes, twice, it asks one more."""
    step = actions.StepDraft(300, tuple(map(world.target, each)), Acknowledge.EACH)
    return world.page(world.policy_of(step, actions.StepDraft(300, (world.target(then),)), repeat=1))


def test_when_the_last_who_was_missing_leaves_the_page_is_taken(
    outbox: world.Outbox, admin: Person, mara: Person, bo: Person
) -> None:
    page = rings(mara, bo, then=admin)
    actions.acknowledge(page, by=mara, via=actions.Via.CHAT)

    people.deactivate(bo, by=admin)
    world.fast_forward(timedelta(minutes=20))

    page.refresh_from_db()
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)
    assert [item.message.person_name for item in outbox.sent] == ["Mara Keller", "Bo Silva"]
    told = Event.objects.get(kind="page.acknowledged")
    assert (told.actor, told.data["person"], told.data["via"]) == ("raglan", mara.pk, "chat")


def test_an_answer_of_an_earlier_round_counts(outbox: world.Outbox, admin: Person, mara: Person, bo: Person) -> None:
    page = rings(mara, bo, then=admin)
    actions.acknowledge(page, by=mara, via=actions.Via.LINK)
    world.fast_forward(timedelta(minutes=11))

    people.deactivate(bo, by=admin)
    world.fire_all()

    page.refresh_from_db()
    assert (page.round, page.state, page.acknowledged_by) == (1, Page.State.ACKNOWLEDGED, mara)


def test_while_somebody_else_is_missing_the_page_goes_on(
    outbox: world.Outbox, admin: Person, mara: Person, bo: Person
) -> None:
    page = rings(mara, bo, world.person("Ines Roth"), then=admin)
    actions.acknowledge(page, by=mara, via=actions.Via.LINK)

    people.deactivate(bo, by=admin)
    world.fire_all()

    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


def test_a_page_that_nobody_said_to_have_goes_on(outbox: world.Outbox, admin: Person, mara: Person, bo: Person) -> None:
    page = rings(bo, then=admin)

    people.deactivate(bo, by=admin)
    world.fire_all()

    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


def test_in_a_later_step_an_answer_to_an_earlier_one_takes_nothing(
    outbox: world.Outbox, admin: Person, mara: Person, bo: Person
) -> None:
    page = rings(mara, bo, then=admin)
    actions.acknowledge(page, by=mara, via=actions.Via.LINK)
    world.fast_forward(timedelta(minutes=6))

    people.deactivate(bo, by=admin)
    world.fire_all()

    page.refresh_from_db()
    assert (page.step, page.state) == (1, Page.State.TRIGGERED)
