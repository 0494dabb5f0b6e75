"""What a policy decides beside its steps: nobody on call, each must acknowledge, stop or go on, programs, urgency."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.paging import actions, returning
from raglan.paging.hours import Hours
from raglan.paging.models import Notification, NotificationRule, Page, WebhookCall
from raglan.paging.plan import Acknowledge, EarlierSteps, Plan, PlannedStep, Target, Urgency, WhenNobody, urgency_of
from raglan.people import actions as people
from raglan.people.models import ContactMethod
from raglan.testing import world

LINK = actions.Via.LINK
HOOK = "https://hooks.example.test/steps"
BERLIN = Hours("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago", "UTC")


def names(box: world.Outbox) -> list[str]:
    return [item.message.person_name for item in box.sent]


def kinds(page: Page) -> list[str]:
    return [event.kind for event in timeline.about(page)]


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def choosing(nobody: WhenNobody) -> actions.Choices:
    return actions.Choices(when_nobody=nobody)


# Nobody on call ------------------------------------------------------------------------------------------------------


def test_a_held_page_goes_on_as_soon_as_somebody_takes_over(outbox: world.Outbox) -> None:
    mara, rota = world.person("Mara Keller"), world.schedule()
    page = world.page(world.policy((60, [rota]), choices=choosing(WhenNobody.HOLD)))
    world.fast_forward(timedelta(minutes=20))
    page.refresh_from_db()
    assert (page.state, names(outbox)) == (Page.State.TRIGGERED, [])

    world.cover(rota, mara)
    world.fire_all()

    page.refresh_from_db()
    assert names(outbox) == ["Mara Keller"]
    assert page.held_since is None


def test_a_page_held_for_a_team_goes_on_as_soon_as_somebody_is_in_it(outbox: world.Outbox) -> None:
    mara, team = world.person("Mara Keller"), world.team()
    page = world.page(world.policy((60, [team]), choices=choosing(WhenNobody.HOLD)))
    world.fast_forward(timedelta(minutes=20))
    assert names(outbox) == []

    people.add_member(team, mara, actor="raglan")
    world.fire_all()

    page.refresh_from_db()
    assert names(outbox) == ["Mara Keller"]
    assert page.held_since is None


def test_a_held_page_goes_on_when_the_next_shift_begins(outbox: world.Outbox) -> None:
    mara, rota = world.person("Mara Keller"), world.schedule()
    begins = now() + timedelta(minutes=25)
    draft = world.oncall.OverrideDraft(mara, begins, begins + timedelta(hours=8))
    world.oncall.add_override(rota, draft, by=mara)
    world.page(world.policy((60, [rota]), choices=choosing(WhenNobody.HOLD)))

    world.fast_forward(timedelta(minutes=24))
    assert names(outbox) == []
    world.fast_forward(timedelta(minutes=2))

    assert names(outbox)[:1] == ["Mara Keller"]


def test_falling_back_pages_the_administrators_at_once(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = world.page(
        world.policy((900, [world.schedule()]), (900, [world.person()]), choices=choosing(WhenNobody.FALL_BACK))
    )

    assert names(outbox)[0] == "Ada Lamb"
    assert "page.fell_back" in kinds(page)


def test_the_fallback_of_a_fallback_goes_round_no_further(outbox: world.Outbox) -> None:
    ada = world.administrator("Ada Lamb")
    ada.contact_methods.all().delete()
    page = world.page(world.policy((60, [world.schedule()]), choices=choosing(WhenNobody.FALL_BACK)))

    world.fast_forward(timedelta(hours=2))

    page.refresh_from_db()
    assert page.state == Page.State.UNANSWERED
    assert kinds(page).count("page.fell_back") == 1


def test_a_policy_that_reached_nobody_at_all_falls_back_before_it_gives_up(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = world.page(world.policy((60, [world.schedule()]), choices=choosing(WhenNobody.NEXT_STEP)))

    world.fast_forward(timedelta(minutes=2))

    assert "Ada Lamb" in [item.message.person_name for item in outbox.sent if item.message.page_id == page.pk]


def test_the_owner_of_a_policy_is_told_of_the_gap_once_and_in_daylight(outbox: world.Outbox) -> None:
    lead = world.person("Lena Lead", time_zone="Europe/Berlin")
    team = world.team(lead)
    drafts = [actions.StepDraft(60, (world.target(world.schedule()),))] * 2
    page = world.page(world.policy_of(*drafts, repeat=1, of=team))
    world.fast_forward(timedelta(days=4))

    told = Page.objects.get(reason_type="gap")
    assert (told.reason_id, told.urgency) == (page.pk, Urgency.LOW)
    sent = [item for item in outbox.sent if item.message.page_id == told.pk]
    assert sent[0].message.person_name == "Lena Lead"
    assert BERLIN.is_open(sent[0].at)


def test_people_who_passed_it_on_are_no_gap(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy_of(actions.StepDraft(60, (world.target(mara),)), repeat=1, of=world.team(mara)))
    actions.pass_on(page, by=mara, via=LINK)
    world.fast_forward(timedelta(minutes=5))

    assert not Page.objects.filter(reason_type="gap").exists()


# Each must acknowledge -----------------------------------------------------------------------------------------------


def test_where_each_must_acknowledge_the_first_answer_stops_only_their_own_messages(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    for person in (mara, bo):
        actions.set_rules(person, [(world.mail_of(person).pk, 0), (world.way(person, "webhook").pk, 60)], by=person)
    both = (world.target(mara), world.target(bo))
    page = world.page(world.policy_of(actions.StepDraft(300, both, Acknowledge.EACH)))

    actions.acknowledge(page, by=mara, via=LINK)
    assert page.state == Page.State.TRIGGERED
    world.fast_forward(timedelta(seconds=90))
    assert names(outbox) == ["Mara Keller", "Bo Silva", "Bo Silva"]
    actions.acknowledge(page, by=bo, via=LINK)

    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, bo)


def test_who_can_not_be_reached_is_not_waited_for_where_each_must_acknowledge(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    ContactMethod.objects.filter(person=bo).delete()
    step = actions.StepDraft(300, (world.target(mara), world.target(bo)), Acknowledge.EACH)
    page = world.page(world.policy_of(step))

    actions.acknowledge(page, by=mara, via=LINK)

    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)


def test_whoever_has_it_already_is_not_paged_again_while_others_are_missing(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    step = actions.StepDraft(300, (world.target(mara), world.target(bo)), Acknowledge.EACH)
    page = world.page(world.policy_of(step, repeat=1))
    actions.acknowledge(page, by=mara, via=LINK)

    world.fast_forward(timedelta(minutes=6))

    assert names(outbox) == ["Mara Keller", "Bo Silva", "Bo Silva"]


def test_a_page_that_others_have_yet_to_take_is_not_put_off(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    step = actions.StepDraft(300, (world.target(mara), world.target(bo)), Acknowledge.EACH)
    page = world.page(world.policy_of(step))

    with pytest.raises(Conflict, match="Mara Keller has not said so"):
        returning.snooze(page, until=now() + timedelta(hours=1), by=bo, via=LINK)
    actions.acknowledge(page, by=mara, via=LINK)
    assert page.state == Page.State.TRIGGERED

    page = returning.snooze(page, until=now() + timedelta(hours=1), by=bo, via=LINK)
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, bo)


def test_in_a_later_step_one_answer_is_enough(outbox: world.Outbox) -> None:
    mara, bo, ines = world.person("Mara Keller"), world.person("Bo Silva"), world.person("Ines Roth")
    step = actions.StepDraft(300, (world.target(mara), world.target(bo)), Acknowledge.EACH)
    page = world.page(world.policy_of(step, actions.StepDraft(300, (world.target(ines),))))
    actions.acknowledge(page, by=mara, via=LINK)
    world.fast_forward(timedelta(minutes=6))

    actions.acknowledge(page, by=ines, via=LINK)

    assert page.state == Page.State.ACKNOWLEDGED


# Earlier steps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("choice", "expected"), [(EarlierSteps.GO_ON, 2), (EarlierSteps.STOP, 1)])
def test_a_persons_later_way_goes_on_or_stops_as_the_policy_says(
    outbox: world.Outbox, choice: EarlierSteps, expected: int
) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    actions.set_rules(mara, [(world.mail_of(mara).pk, 0), (world.way(mara, "webhook").pk, 300)], by=mara)
    world.page(world.policy((180, [mara]), (600, [bo]), choices=actions.Choices(earlier_steps=choice)))

    world.fast_forward(timedelta(minutes=8))

    assert len(outbox.to(mara)) == expected
    assert len(outbox.to(bo)) == 1


# Programs ------------------------------------------------------------------------------------------------------------


def test_a_step_tells_a_program_once_and_the_wait_goes_on(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    steps = (actions.StepDraft(60, (Target("webhook", 0, HOOK),)), actions.StepDraft(300, (world.target(mara),)))
    page = world.page(world.policy_of(*steps))
    assert outbox.addresses == [HOOK]

    world.fast_forward(timedelta(seconds=65))

    assert names(outbox) == ["", "Mara Keller"]
    assert WebhookCall.objects.get().state == Notification.State.HANDED_OVER
    assert "webhook_call.handed_over" in kinds(page)


def test_a_program_that_refuses_lets_the_next_step_come_at_once(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(HOOK, permanent=True)
    steps = (actions.StepDraft(900, (Target("webhook", 0, HOOK),)), actions.StepDraft(300, (world.target(mara),)))
    page = world.page(world.policy_of(*steps))

    assert names(outbox) == ["Mara Keller"]
    assert "webhook_call.failed" in kinds(page)


def test_a_program_beside_an_empty_rota_does_not_hide_the_gap(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    first = actions.StepDraft(900, (Target("webhook", 0, HOOK), world.target(world.schedule())))
    page = world.page(world.policy_of(first, actions.StepDraft(300, (world.target(mara),))))

    assert sorted(names(outbox)) == ["", "Mara Keller"]
    assert "page.step_found_nobody" in kinds(page)


def test_a_policy_of_programs_alone_is_refused(db: None) -> None:
    with pytest.raises(BadInput, match="wakes nobody"):
        world.policy_of(actions.StepDraft(60, (Target("webhook", 0, HOOK),)))


# Urgency -------------------------------------------------------------------------------------------------------------


def low(hours: Hours = BERLIN) -> actions.Choices:
    return actions.Choices(urgency="severity", hours=hours)


def move_to(moment: datetime) -> None:
    CLOCK.move(moment - now())


def test_low_urgency_waits_for_daylight_and_high_does_not(outbox: world.Outbox) -> None:
    move_to(at(2027, 3, 5, 22))  # a Friday
    mara = world.person("Mara Keller")
    policy = world.policy((300, [mara]), choices=low())
    world.page(policy, "a full disk next month", severity="warning")
    assert outbox.sent == []
    world.page(policy, "the site is down", severity="critical")
    assert [item.message.title for item in outbox.sent] == ["the site is down"]

    world.fast_forward(timedelta(days=2, hours=10, minutes=1))  # Monday, 9:01 in Berlin

    later = [item for item in outbox.sent if item.message.title == "a full disk next month"]
    assert timedelta(0) <= later[0].at - at(2027, 3, 8, 8) < timedelta(minutes=1)


def test_low_urgency_asked_for_by_hand_waits_although_the_policy_names_no_hours(outbox: world.Outbox) -> None:
    move_to(at(2027, 3, 5, 22))
    policy = world.policy((300, [world.person("Mara Keller")]))

    page = actions.start(policy, actions.Words("x"), reason=actions.Reason(), urgency=Urgency.LOW)

    assert page.next_step_at == at(2027, 3, 8, 9)


def test_no_later_step_of_low_urgency_comes_at_night(outbox: world.Outbox) -> None:
    move_to(at(2027, 3, 5, 15, 58))  # two minutes before the hours end
    policy = world.policy((300, [world.person("Mara Keller")]), (300, [world.person("Bo Silva")]), choices=low())
    world.page(policy, severity="info")

    world.fast_forward(timedelta(days=4))

    assert all(BERLIN.is_open(item.at) for item in outbox.sent)
    assert set(names(outbox)) == {"Mara Keller", "Bo Silva"}


def test_a_person_has_rules_for_each_urgency(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    hook = world.way(mara, "webhook")
    actions.set_rules(mara, [(hook.pk, 0)], by=mara)
    actions.set_rules(mara, [(world.mail_of(mara).pk, 0)], by=mara, urgency=Urgency.LOW)
    always = Hours("UTC", days=tuple(range(7)), since=time(0), until=time(0))
    policy = world.policy((300, [mara]), choices=low(always))

    world.page(policy, severity="info")
    world.page(policy, severity="critical")

    assert outbox.addresses == [world.mail_of(mara).address, hook.address]
    assert NotificationRule.objects.count() == 2


def test_a_group_that_becomes_urgent_pages_at_once(outbox: world.Outbox) -> None:
    move_to(at(2027, 3, 5, 22))
    world.route(1, world.policy((300, [world.person("Mara Keller")]), choices=low()), group_by=["service"])
    source = world.source()
    world.ingest(source, world.signal(instance="a", severity="warning"))
    world.fire_all()
    assert outbox.sent == []

    world.ingest(source, world.signal(instance="b", severity="critical"))
    world.fire_all()

    assert names(outbox) == ["Mara Keller"]
    page = Page.objects.get()
    assert (page.urgency, page.severity) == ("high", "critical")
    assert "page.raised" in kinds(page)


def test_of_alerts_in_one_request_the_urgent_one_decides(outbox: world.Outbox) -> None:
    move_to(at(2027, 3, 5, 22))
    world.route(1, world.policy((300, [world.person("Mara Keller")]), choices=low()), group_by=["service"])
    signals = [world.signal(instance=name, severity=how) for name, how in (("a", "warning"), ("b", "critical"))]
    world.ingest(world.source(), *signals)
    world.fire_all()

    assert names(outbox) == ["Mara Keller"]
    assert Page.objects.get().urgency == "high"


def test_a_severity_that_nobody_knows_is_urgent() -> None:
    assert urgency_of("severity", "weird") == Urgency.HIGH
    assert urgency_of("severity", " Warning ") == Urgency.LOW
    assert urgency_of("low", "critical") == Urgency.LOW


def test_low_urgency_without_hours_is_refused(db: None) -> None:
    with pytest.raises(BadInput, match="say which"):
        world.policy((60, [world.person()]), choices=actions.Choices(urgency="low"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zone=some.sampled_from(ZONES),
    days=some.sets(some.integers(0, 6), min_size=1),
    since=some.times(max_value=time(22)),
    length=some.integers(1, 100),
    moment=some.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
)
def test_hours_open_at_the_first_minute_that_is_inside(
    zone: str, days: set[int], since: time, length: int, moment: datetime
) -> None:
    since = since.replace(second=0, microsecond=0)
    until = (datetime.combine(datetime(2000, 1, 1), since) + timedelta(minutes=length)).time()
    hours = Hours(zone, tuple(sorted(days)), since, until)
    asked = moment.replace(tzinfo=UTC)

    opens = hours.opens(asked)

    assert opens >= asked
    assert opens - asked <= timedelta(days=9)
    assert hours.opens(opens) == opens
    assert opens == asked or not hours.is_open(opens - timedelta(seconds=1))
    assert Hours.from_json(hours.as_json()) == hours


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(2027, 3, 27, 12), at(2027, 3, 29, 7)),  # the clocks go forward on the 28th: nine in summer time
        (at(2027, 10, 30, 12), at(2027, 11, 1, 8)),  # and back on the 31st
    ],
)
def test_the_hours_keep_their_wall_clock_over_a_change(moment: datetime, expected: datetime) -> None:
    assert BERLIN.opens(moment) == expected


# The plan of a page --------------------------------------------------------------------------------------------------


@given(steps=some.integers(1, 4), repeat=some.integers(0, 3), begun=some.integers(0, 5), asked=some.booleans())
def test_a_plan_that_begins_again_asks_the_named_person_first_and_ends(
    steps: int,
    repeat: int,
    begun: int,
    asked: bool,
) -> None:
    plan = Plan("web", 1, repeat, tuple(PlannedStep(60, (Target("person", n),)) for n in range(steps)))
    again = plan.again(begun, first=99 if asked else None)

    walked: list[int] = []
    place: tuple[int, int] | None = again.after(begun, -1)
    while place is not None:
        walked.append(again.steps[place[1]].targets[0].id)
        place = again.after(*place)

    assert walked == [*([99] if asked else []), *list(range(steps)) * (repeat + 1)]
    assert Plan.from_json(again.as_json()) == again
    assert again.again(begun + 3) == plan.again(begun + 3)
