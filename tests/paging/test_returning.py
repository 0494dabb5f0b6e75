"""What follows an answer: snooze, give back, hand on, forgotten acknowledgements, people added later."""

from datetime import UTC, datetime, timedelta

import pytest

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Timer
from raglan.paging import actions, queries, returning
from raglan.paging.hours import Hours
from raglan.paging.models import Page
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world

LINK = actions.Via.LINK


def names(box: world.Outbox) -> list[str]:
    return [item.message.person_name for item in box.sent]


def taken(*, wait_s: int = 300) -> tuple[Page, Person, Person]:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((wait_s, [bo]), (wait_s, [mara])))
    return actions.acknowledge(page, by=mara, via=LINK), mara, bo


def move_to(moment: datetime) -> None:
    CLOCK.move(moment - now())


# Snooze --------------------------------------------------------------------------------------------------------------


def test_a_snooze_ends_by_its_timer_and_asks_whoever_snoozed_first(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    returning.snooze(page, until=now() + timedelta(minutes=30), by=mara, via=LINK)
    world.fast_forward(timedelta(minutes=29))
    assert names(outbox) == ["Bo Silva"]

    world.fast_forward(timedelta(minutes=2))

    page.refresh_from_db()
    assert names(outbox) == ["Bo Silva", "Mara Keller"]
    assert (page.state, page.acknowledged_by, page.snoozed_until) == (Page.State.TRIGGERED, None, None)
    world.fast_forward(timedelta(minutes=6))
    assert names(outbox) == ["Bo Silva", "Mara Keller", "Bo Silva"]


def test_a_page_that_is_over_does_not_come_back_from_its_snooze(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    returning.snooze(page, until=now() + timedelta(minutes=30), by=mara, via=LINK)
    actions.resolve(page, why="over")

    world.fast_forward(timedelta(hours=1))

    assert names(outbox) == ["Bo Silva"]
    assert not Timer.objects.filter(kind=actions.BACK).exists()


def test_snoozing_takes_a_page_that_nobody_has(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((300, [mara])))

    page = returning.snooze(page, until=now() + timedelta(minutes=30), by=mara, via=LINK)

    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)


def test_what_somebody_else_has_can_not_be_snoozed(outbox: world.Outbox) -> None:
    page, _, bo = taken()

    with pytest.raises(actions.AlreadyTaken):
        returning.snooze(page, until=now() + timedelta(minutes=30), by=bo, via=LINK)


@pytest.mark.parametrize("until", [timedelta(minutes=-1), timedelta(days=8)])
def test_a_snooze_is_at_most_a_week(outbox: world.Outbox, until: timedelta) -> None:
    page, mara, _ = taken()

    with pytest.raises(BadInput, match="within a week"):
        returning.snooze(page, until=now() + until, by=mara, via=LINK)


def test_a_second_snooze_moves_the_end(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    returning.snooze(page, until=now() + timedelta(minutes=10), by=mara, via=LINK)
    returning.snooze(page, until=now() + timedelta(minutes=60), by=mara, via=LINK)

    world.fast_forward(timedelta(minutes=50))

    assert names(outbox) == ["Bo Silva"]


# Give back, hand on --------------------------------------------------------------------------------------------------


def test_an_acknowledgement_can_be_taken_back(outbox: world.Outbox) -> None:
    page, mara, _ = taken()

    page = returning.give_back(page, by=mara)
    world.fire_all()
    world.fast_forward(timedelta(minutes=6))

    assert names(outbox) == ["Bo Silva", "Bo Silva", "Mara Keller"]
    actions.acknowledge(page, by=mara, via=LINK)
    assert page.state == Page.State.ACKNOWLEDGED


def test_a_page_is_handed_on_to_a_named_person_and_goes_on_if_they_are_silent(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    ines = world.person("Ines Roth")

    returning.hand_on(page, to=ines, by=mara)
    world.fire_all()
    assert names(outbox) == ["Bo Silva", "Ines Roth"]
    world.fast_forward(timedelta(minutes=6))

    assert names(outbox) == ["Bo Silva", "Ines Roth", "Bo Silva"]
    why = next(event for event in timeline.about(page) if event.kind == "page.returned").data["why"]
    assert why == "Mara Keller handed it on to Ines Roth"


def test_a_page_can_be_handed_on_twice(outbox: world.Outbox) -> None:
    page, mara, bo = taken()
    ines = world.person("Ines Roth")
    for person in (ines, bo):
        returning.hand_on(page, to=person, by=mara)
        world.fire_all()

    assert names(outbox) == ["Bo Silva", "Ines Roth", "Bo Silva"]


def test_a_page_is_not_handed_on_to_somebody_who_left(outbox: world.Outbox) -> None:
    page, mara, bo = taken()
    world.people.deactivate(bo, by=world.administrator())

    with pytest.raises(BadInput, match="left"):
        returning.hand_on(page, to=Person.objects.get(pk=bo.pk), by=mara)


def test_what_somebody_has_who_leaves_begins_anew(outbox: world.Outbox) -> None:
    page, mara, bo = taken()
    snoozed = actions.acknowledge(world.page(page.policy), by=mara, via=LINK)
    returning.snooze(snoozed, until=now() + timedelta(hours=2), by=mara, via=LINK)
    others = actions.acknowledge(world.page(page.policy), by=bo, via=LINK)
    outbox.sent.clear()

    people.deactivate(mara, by=world.administrator("Ada Lamb"))
    world.fire_all()

    for one in (page, snoozed, others):
        one.refresh_from_db()
    assert [one.state for one in (page, snoozed, others)] == ["triggered", "acknowledged", "acknowledged"]
    assert names(outbox) == ["Bo Silva"]
    returned = [event.data["why"] for event in timeline.about(page) if event.kind == "page.returned"]
    assert returned == ["Mara Keller, who had it, has left"]
    world.fast_forward(timedelta(hours=2))
    snoozed.refresh_from_db()
    assert snoozed.state == Page.State.TRIGGERED
    assert "Bo Silva" in names(outbox)[1:]


def test_a_page_of_somebody_who_left_long_ago_stays_in_its_list(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    Page.objects.filter(pk=page.pk).update(created_at=now() - timedelta(days=8))

    people.deactivate(mara, by=world.administrator("Ada Lamb"))
    world.fire_all()

    page.refresh_from_db()
    assert page.state == Page.State.ACKNOWLEDGED


def test_a_page_that_is_over_can_not_be_handed_on(outbox: world.Outbox) -> None:
    page, mara, bo = taken()
    actions.resolve(page, why="over")

    with pytest.raises(Conflict, match="over"):
        returning.hand_on(page, to=bo, by=mara)


# Forgotten -----------------------------------------------------------------------------------------------------------


def test_a_forgotten_acknowledgement_comes_back_in_daylight(outbox: world.Outbox) -> None:
    move_to(datetime(2027, 3, 3, 16, 30, tzinfo=UTC))  # twelve hours later is half past five in Berlin
    page, _, _ = taken()

    world.fast_forward(timedelta(hours=20))

    back = [item for item in outbox.sent if item.message.person_name == "Mara Keller"]
    assert timedelta(0) <= back[0].at - datetime(2027, 3, 4, 8, tzinfo=UTC) < timedelta(minutes=1)
    page.refresh_from_db()
    assert page.urgency == "low"
    assert all(Hours("Europe/Berlin", tuple(range(7))).is_open(item.at) for item in outbox.sent[1:])


def test_an_answer_meanwhile_begins_the_time_anew(outbox: world.Outbox) -> None:
    move_to(datetime(2027, 3, 3, 8, tzinfo=UTC))
    page, mara, _ = taken()
    world.fast_forward(timedelta(hours=6))
    returning.snooze(page, until=now() + timedelta(hours=4), by=mara, via=LINK)
    world.fast_forward(timedelta(hours=5))
    actions.acknowledge(page, by=mara, via=LINK)

    world.fast_forward(timedelta(hours=5))

    assert Page.objects.get(pk=page.pk).state == Page.State.ACKNOWLEDGED


def test_a_policy_may_leave_forgotten_pages_alone(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((300, [mara]), choices=actions.Choices(forgotten_after_s=0)))
    actions.acknowledge(page, by=mara, via=LINK)

    world.fast_forward(timedelta(days=3))

    assert names(outbox) == ["Mara Keller"]


def test_a_very_old_acknowledgement_goes_to_the_list_and_pages_nobody(outbox: world.Outbox) -> None:
    page, _, _ = taken()
    world.CLOCK.move(timedelta(days=90))  # raglan was off

    world.fast_forward(timedelta(days=2))

    assert names(outbox) == ["Bo Silva"]
    assert list(queries.long_ago()) == [page]


# Added later ---------------------------------------------------------------------------------------------------------


def test_somebody_added_after_the_answer_is_asked_and_stops_it_themselves(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    ines = world.person("Ines Roth")
    actions.set_rules(ines, [(world.mail_of(ines).pk, 0), (world.way(ines, "webhook").pk, 300)], by=ines)
    returning.add_people(page, [ines], by=mara)
    world.fire_all()
    assert names(outbox) == ["Bo Silva", "Ines Roth"]

    actions.join(page, by=ines, via=LINK)
    world.fast_forward(timedelta(minutes=10))

    assert names(outbox) == ["Bo Silva", "Ines Roth"]


def test_somebody_added_who_is_silent_is_tried_on_every_way(outbox: world.Outbox) -> None:
    page, mara, _ = taken()
    ines = world.person("Ines Roth")
    actions.set_rules(ines, [(world.mail_of(ines).pk, 0), (world.way(ines, "webhook").pk, 300)], by=ines)
    returning.add_people(page, [ines], by=mara)

    world.fast_forward(timedelta(minutes=6))

    assert len(outbox.to(ines)) == 2


def test_somebody_added_can_say_no_without_waking_anybody_else(outbox: world.Outbox) -> None:
    page, mara, bo = taken()
    ines = world.person("Ines Roth")
    returning.add_people(page, [ines], by=mara)
    world.fire_all()

    actions.pass_on(page, by=ines, via=LINK)
    world.fast_forward(timedelta(minutes=10))

    page.refresh_from_db()
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)
    assert len(outbox.to(bo)) == 1
