from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.core.models import Event, Timer
from raglan.paging import actions
from raglan.paging.models import NotificationRule, Page, Reached
from raglan.testing import world

LINK = actions.Via.LINK


def kinds(page: Page) -> list[str]:
    return [event.kind for event in timeline.about(page)]


def two_steps(*, wait_s: int = 300) -> tuple[Page, world.Person, world.Person]:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    return world.page(world.policy((wait_s, [mara]), (wait_s, [bo]), repeat=1)), mara, bo


def test_an_answer_ends_the_escalation(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps()

    actions.acknowledge(page, by=mara, via=LINK)
    world.fast_forward(timedelta(hours=1))

    assert len(outbox.sent) == 1
    assert not Timer.objects.filter(subject=timeline.ref(page), kind=actions.ESCALATE).exists()


def test_waiting_messages_are_taken_back(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    hook = world.way(mara, "webhook")
    NotificationRule.objects.create(person=mara, contact=world.mail_of(mara), delay_s=0)
    NotificationRule.objects.create(person=mara, contact=hook, delay_s=120)
    page = world.page(world.policy((300, [mara])))

    actions.acknowledge(page, by=mara, via=LINK)
    world.fast_forward(timedelta(minutes=10))

    assert world.states_of(page) == {world.mail_of(mara).address: "handed_over", hook.address: "cancelled"}
    assert outbox.addresses == [world.mail_of(mara).address]


def test_the_same_answer_twice_is_one_event(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps()

    first = actions.acknowledge(page, by=mara, via=LINK).acknowledged_at
    second = actions.acknowledge(page, by=mara, via=LINK).acknowledged_at

    assert first == second
    assert kinds(page).count("page.acknowledged") == 1


def test_the_second_person_hears_that_it_is_taken(outbox: world.Outbox) -> None:
    page, mara, bo = two_steps()
    actions.acknowledge(page, by=mara, via=LINK)

    with pytest.raises(actions.AlreadyTaken, match="Mara Keller has it already"):
        actions.acknowledge(page, by=bo, via=LINK)

    page.refresh_from_db()
    assert page.acknowledged_by == mara


def test_the_second_person_may_join(outbox: world.Outbox) -> None:
    page, mara, bo = two_steps()
    actions.acknowledge(page, by=mara, via=LINK)

    for _ in range(2):
        actions.join(page, by=bo, via=LINK)

    answers = dict(Reached.objects.filter(page=page).values_list("person__name", "answer"))
    assert answers == {"Mara Keller": "has_it", "Bo Silva": "joins"}
    assert kinds(page).count("page.joined") == 1


def test_whoever_joins_a_page_that_nobody_has_takes_it(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps()

    actions.join(page, by=mara, via=LINK)

    page.refresh_from_db()
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)


def test_passing_on_brings_the_next_step_at_once(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps(wait_s=1800)

    actions.pass_on(page, by=mara, via=LINK)
    world.fire_all()

    assert [item.message.person_name for item in outbox.sent] == ["Mara Keller", "Bo Silva"]
    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


def test_whoever_passed_on_is_not_paged_again(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps()
    actions.pass_on(page, by=mara, via=LINK)

    world.fast_forward(timedelta(hours=1))

    assert len(outbox.to(mara)) == 1


def test_passing_on_twice_is_one_event(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps()

    for _ in range(2):
        actions.pass_on(page, by=mara, via=LINK)

    assert kinds(page).count("page.passed_on") == 1


def test_a_step_waits_for_the_others_when_one_of_them_passes_on(outbox: world.Outbox) -> None:
    mara, ines, bo = world.person("Mara Keller"), world.person("Ines Roth"), world.person("Bo Silva")
    page = world.page(world.policy((300, [mara, ines]), (300, [bo])))

    actions.pass_on(page, by=mara, via=LINK)
    world.fire_all()

    assert outbox.to(bo) == []
    world.fast_forward(timedelta(minutes=6))
    assert len(outbox.to(bo)) == 1


def test_passing_on_what_somebody_has_changes_nothing(outbox: world.Outbox) -> None:
    page, mara, bo = two_steps()
    actions.acknowledge(page, by=mara, via=LINK)

    actions.pass_on(page, by=bo, via=LINK)

    page.refresh_from_db()
    assert page.state == Page.State.ACKNOWLEDGED
    assert "page.passed_on" not in kinds(page)


def test_a_resolved_page_is_over_for_everyone(outbox: world.Outbox) -> None:
    page, _, _ = two_steps()

    for _ in range(2):
        actions.resolve(page, why="the alert is over")
    world.fast_forward(timedelta(hours=1))

    assert len(outbox.sent) == 1
    assert kinds(page).count("page.resolved") == 1


def test_an_answer_after_the_end_changes_nothing(outbox: world.Outbox) -> None:
    page, mara, _ = two_steps()
    actions.resolve(page, why="the alert is over")

    actions.acknowledge(page, by=mara, via=LINK)

    page.refresh_from_db()
    assert page.state == Page.State.RESOLVED
    assert not Event.objects.filter(kind="page.acknowledged").exists()


def test_somebody_who_was_not_paged_may_take_it(outbox: world.Outbox) -> None:
    page, _, bo = two_steps()

    actions.acknowledge(page, by=bo, via=actions.Via.SCREEN)

    assert Reached.objects.get(page=page, person=bo).why == "came by themselves"
