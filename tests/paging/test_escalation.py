from datetime import timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.models import Event, Timer
from raglan.paging import actions
from raglan.paging.models import Page, Reached
from raglan.testing import world


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def names(box: world.Outbox) -> list[str]:
    return [item.message.person_name for item in box.sent]


def test_the_first_step_is_taken_at_once(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")

    page = world.page(world.policy((300, [mara])))

    assert names(outbox) == ["Mara Keller"]
    assert (page.state, page.round, page.step) == ("triggered", 0, 0)


def test_the_next_step_comes_after_the_wait_and_not_before(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    world.page(world.policy((300, [mara]), (300, [bo])))

    world.fast_forward(timedelta(seconds=290))
    assert names(outbox) == ["Mara Keller"]
    world.fast_forward(timedelta(seconds=15))

    assert names(outbox) == ["Mara Keller", "Bo Silva"]
    assert timedelta(seconds=299) < outbox.sent[1].at - outbox.sent[0].at < timedelta(seconds=305)


def test_all_of_a_step_are_paged_together_and_each_once(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    rota = world.schedule(mara)

    world.page(world.policy((300, [rota, world.team(mara, bo), mara])))

    assert sorted(names(outbox)) == ["Bo Silva", "Mara Keller"]


def test_the_policy_is_gone_through_again_as_often_as_it_says(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((60, [mara]), (60, [bo]), repeat=2))

    world.fast_forward(minutes(30))
    page.refresh_from_db()

    assert names(outbox) == ["Mara Keller", "Bo Silva"] * 3
    assert page.state == Page.State.UNANSWERED


def test_a_person_on_call_is_asked_for_when_the_step_is_taken(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    rota = world.schedule(mara)
    world.page(world.policy((600, [rota]), repeat=1))
    world.cover(rota, bo)

    world.fast_forward(minutes(11))

    assert names(outbox) == ["Mara Keller", "Bo Silva"]


def test_a_viewer_on_call_is_paged_as_well(outbox: world.Outbox) -> None:
    viewer = world.person("Vera Lind", role="viewer")

    world.page(world.policy((300, [world.schedule(viewer)])))

    assert names(outbox) == ["Vera Lind"]


def test_a_step_with_nobody_on_call_gives_way_to_the_next_at_once(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")

    page = world.page(world.policy((900, [world.schedule()]), (300, [mara])))

    assert names(outbox) == ["Mara Keller"]
    assert [event.kind for event in timeline.about(page)][:2] == ["page.started", "page.step_found_nobody"]


def test_somebody_who_left_is_nobody(outbox: world.Outbox) -> None:
    admin, mara, bo = world.administrator(), world.person("Mara Keller"), world.person("Bo Silva")
    policy = world.policy((900, [mara]), (300, [bo]))
    world.people.deactivate(mara, by=admin)

    page = world.page(policy)

    reached = [item.address for item in outbox.sent if item.message.page_id == page.pk]
    assert reached == [bo.email]
    others = {item.message.title for item in outbox.sent if item.message.page_id != page.pk}
    assert others <= {"Web: nobody is on call at step 1"}  # to the administrator, and in daylight at once


def test_when_nobody_answers_everyone_sees_it_on_now(outbox: world.Outbox) -> None:
    page = world.page(world.policy((60, [world.person()])))

    world.fast_forward(minutes(2))
    page.refresh_from_db()

    last = timeline.about("now")[-1]
    assert (page.state, page.next_step_at, last.kind) == (Page.State.UNANSWERED, None, "page.unanswered")
    assert timeline.ref(page) in last.subjects


def test_an_unanswered_page_can_still_be_taken(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((60, [mara])))
    world.fast_forward(minutes(2))

    actions.acknowledge(page, by=mara, via=actions.Via.LINK)

    assert page.state == Page.State.ACKNOWLEDGED


def test_a_policy_whose_every_step_is_empty_ends_without_going_round_for_ever(outbox: world.Outbox) -> None:
    page = world.page(world.policy((60, [world.schedule()]), (60, [world.schedule()]), repeat=2))

    world.fast_forward(minutes(10))
    page.refresh_from_db()

    assert page.state == Page.State.UNANSWERED
    assert Event.objects.filter(kind="page.step_found_nobody").count() == 6


def test_a_running_page_keeps_the_plan_that_it_started_with(outbox: world.Outbox) -> None:
    mara, bo, ines = world.person("Mara Keller"), world.person("Bo Silva"), world.person("Ines Roth")
    policy = world.policy((60, [mara]), (60, [bo]), slug="web")
    world.page(policy)
    world.policy((60, [ines]), slug="web")

    world.fast_forward(minutes(3))

    assert names(outbox) == ["Mara Keller", "Bo Silva"]
    policy.refresh_from_db()
    assert policy.version == 2


def test_an_open_page_has_exactly_one_live_timer(outbox: world.Outbox) -> None:
    page = world.page(world.policy((60, [world.person("Mara Keller")]), (60, [world.person("Bo Silva")]), repeat=1))

    for _ in range(4):
        world.fast_forward(timedelta(seconds=45))
        page.refresh_from_db()
        live = Timer.objects.filter(subject=timeline.ref(page), kind=actions.ESCALATE, parked_at__isnull=True)
        assert live.count() == (1 if page.state == Page.State.TRIGGERED else 0)


def test_a_late_step_is_taken_once_and_the_next_waits_its_full_time(outbox: world.Outbox) -> None:
    mara, bo, ines = world.person("Mara Keller"), world.person("Bo Silva"), world.person("Ines Roth")
    world.page(world.policy((600, [mara]), (600, [bo]), (600, [ines])))
    world.CLOCK.move(minutes(29))  # every process was down

    world.fire_all()
    assert names(outbox) == ["Mara Keller", "Bo Silva"]
    world.fast_forward(minutes(9))
    assert names(outbox) == ["Mara Keller", "Bo Silva"]
    world.fast_forward(minutes(2))

    assert names(outbox) == ["Mara Keller", "Bo Silva", "Ines Roth"]


def test_each_reaching_out_says_why_this_person(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")

    page = world.page(world.policy((60, [world.schedule(mara)])))

    assert Reached.objects.get(page=page).why == "on call for Web duty: it is their turn"
    assert outbox.sent[0].message.why == "on call for Web duty: it is their turn"


def test_a_page_by_hand_reaches_each_and_once_more_after_five_minutes(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    actions.page_people([mara, bo], actions.Words("Can you look?"), reason=actions.Reason(), by=None)

    world.fast_forward(minutes(6))

    assert names(outbox) == ["Mara Keller", "Bo Silva"] * 2


def test_a_timer_of_a_page_that_is_gone_does_nothing(outbox: world.Outbox) -> None:
    timers.schedule(actions.ESCALATE, subject="page:999999", due_at=now())

    assert world.fire_all() == 1
    assert outbox.sent == []
