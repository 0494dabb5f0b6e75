"""Who may be paged and can not be reached: on save, each day, before a shift; and tests by appointment."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client

from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event
from raglan.paging import actions, appointments, readiness
from raglan.paging import timers as paging_timers
from raglan.paging.models import Appointment, Notification, Page, Policy, Reached
from raglan.people.models import Person
from raglan.testing import world


def kinds_of(person: Person) -> list[str]:
    return [problem.kind for problem in readiness.check([person])[0].problems]


def silent(name: str = "Bo Silva") -> Person:
    """Return somebody without any way to be reached."""
    person = world.person(name)
    person.contact_methods.all().delete()
    return person


def save(*people: Person, overrule: str = "", strict: bool = False) -> Policy:
    draft = actions.StepDraft(300, tuple(world.target(person) for person in people))
    return readiness.save_policy(
        slug="web",
        name="Web",
        team=None,
        repeat=0,
        steps=[draft],
        actor="raglan",
        choices=actions.Choices(),
        overrule=overrule,
        strict=strict,
    )


def answer_all(person: Person) -> None:
    for page in Page.objects.filter(is_test=True):
        actions.acknowledge(page, by=person, via=actions.Via.LINK)


def test_who_has_no_way_or_has_left_can_not_be_reached(outbox: world.Outbox) -> None:
    gone = world.person("Gil Gone")
    world.people.deactivate(gone, by=world.administrator())
    gone.refresh_from_db()

    assert kinds_of(silent()) == ["no_way"]
    assert kinds_of(gone) == ["left"]
    assert kinds_of(world.person()) == ["unconfirmed"]


def test_a_way_is_failing_until_a_message_goes_through_again(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(world.mail_of(mara).address, permanent=True)
    policy = world.policy((300, [mara]))
    world.page(policy)
    assert kinds_of(mara) == ["failing", "unconfirmed"]
    world.way(mara, "webhook")
    assert kinds_of(mara) == ["partly_failing", "unconfirmed"]

    world.page(policy)

    assert kinds_of(mara) == ["unconfirmed"]


def test_an_answer_to_a_test_confirms_the_way_it_came_by(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    world.people.confirm_contact(world.way(mara, "webhook"), actor="raglan")
    appointments.hooks.send_test(world.mail_of(mara), mara)
    world.fire_all()

    answer_all(mara)

    assert world.mail_of(mara).confirmed_at is not None
    assert kinds_of(mara) == []


def test_an_answer_on_the_screen_proves_no_way(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")

    actions.acknowledge(world.page(world.policy((300, [mara]))), by=mara, via=actions.Via.SCREEN)

    assert kinds_of(mara) == ["unconfirmed"]


def test_a_policy_with_somebody_who_can_not_be_reached_is_not_saved(outbox: world.Outbox) -> None:
    with pytest.raises(readiness.NotReady, match="Bo Silva: no way to be reached is set up"):
        save(silent(), world.person())

    assert not Policy.objects.exists()


def test_a_reason_overrules_and_is_kept(outbox: world.Outbox) -> None:
    bo = silent()

    policy = save(bo, overrule=" his phone comes on Monday ")

    kept = Event.objects.get(kind="policy.readiness_overruled").data
    assert kept == {"policy": policy.pk, "people": [bo.pk], "reason": "his phone comes on Monday"}


def test_on_the_screen_a_test_must_have_been_answered_as_well(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    save(mara)

    with pytest.raises(readiness.NotReady, match="has never answered a test"):
        save(mara, strict=True)


def test_members_of_teams_and_rotas_are_looked_at_too(outbox: world.Outbox) -> None:
    bo, ines = silent(), silent("Ines Roth")
    world.policy((300, [world.team(bo), world.schedule(world.person("Mara Keller"), ines)]))

    blocked = [member.readiness.person for member in readiness.overview() if member.readiness.is_blocked]

    assert blocked == [bo, ines]


def test_each_day_those_who_can_help_are_told_once_in_three_days(outbox: world.Outbox) -> None:
    CLOCK.move(datetime(2027, 3, 1, 7, 30, tzinfo=UTC) - now())  # a Monday
    world.administrator("Ada Lamb")
    world.policy((300, [silent()]))
    timers.schedule(paging_timers.READINESS, subject="paging", due_at=now())

    world.fast_forward(timedelta(days=2))

    told = Page.objects.get(reason_type="readiness")
    assert told.title == "Bo Silva may be paged and can not be reached"
    assert told.urgency == "low"
    world.fast_forward(timedelta(days=2))
    assert Page.objects.filter(reason_type="readiness").count() == 2


def test_before_a_shift_it_is_looked_at_each_hour(outbox: world.Outbox) -> None:
    CLOCK.move(datetime(2027, 3, 1, 12, 30, tzinfo=UTC) - now())
    world.administrator("Ada Lamb")
    bo, rota = silent(), world.schedule(world.person("Mara Keller"))
    begins = now() + timedelta(hours=27)
    draft = world.oncall.OverrideDraft(bo, begins, begins + timedelta(hours=2))
    world.oncall.add_override(rota, draft, by=bo)
    world.fire_all()
    Page.objects.filter(reason_type="readiness").delete()  # they were told of when the rota was saved
    timers.schedule(paging_timers.READINESS, subject="paging", due_at=now())

    world.fast_forward(timedelta(hours=2))
    assert not Page.objects.filter(reason_type="readiness").exists()
    world.fast_forward(timedelta(hours=2))

    assert Page.objects.filter(reason_type="readiness", reason_id=bo.pk).count() == 1


def test_when_a_rota_changes_its_people_are_looked_at_at_once(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    bo = silent()

    world.cover(world.schedule(world.person("Mara Keller")), bo)
    world.fire_all()

    assert Page.objects.get(reason_type="readiness").reason_id == bo.pk


def test_a_lead_is_told_rather_than_the_administrators(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    bo, lead = silent(), world.person("Lena Lead")
    team = world.team(bo, lead)
    team.memberships.filter(person=lead).update(is_lead=True)

    page = readiness.tell(readiness.check([bo])[0])

    assert page is not None
    assert page.plan["steps"][0]["targets"] == [{"type": "person", "id": lead.pk}]


# Tests by appointment ------------------------------------------------------------------------------------------------


def weekly(person: Person) -> Appointment:
    """Agree on Tuesdays at two, where it is now a Tuesday, shortly before."""
    CLOCK.move(datetime(2027, 3, 2, 12, 30, tzinfo=UTC) - now())
    return appointments.agree(person, kind="weekly", weekday=1, at=time(14), hours_before=24, by=person)


def test_a_weekly_test_goes_over_every_way_at_the_time_in_the_persons_zone(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller", time_zone="Europe/Berlin")
    found = weekly(mara)
    CLOCK.move(datetime(2027, 3, 24, 12, tzinfo=UTC) - now())  # the Wednesday before the clocks change
    world.fire_all()
    outbox.sent.clear()
    hook = world.way(mara, "webhook")

    world.fast_forward(timedelta(days=6, hours=1))

    assert outbox.addresses == [world.mail_of(mara).address, hook.address]
    assert outbox.sent[0].at - datetime(2027, 3, 30, 12, tzinfo=UTC) < timedelta(minutes=1)
    answer_all(mara)
    world.fast_forward(timedelta(hours=3))
    found.refresh_from_db()
    assert found.passed is True


def test_a_test_that_nobody_answers_is_told_to_those_who_can_help(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara = world.person("Mara Keller")
    found = weekly(mara)

    world.fast_forward(timedelta(hours=4))

    found.refresh_from_db()
    assert found.passed is False
    told = Page.objects.get(reason_type="readiness", reason_id=mara.pk)
    assert "did not answer the test by appointment" in told.text


def test_a_test_answered_on_one_way_of_two_has_not_passed_and_worries_nobody(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara = world.person("Mara Keller")
    world.way(mara, "webhook")
    found = weekly(mara)
    world.fast_forward(timedelta(hours=1))
    actions.acknowledge(Page.objects.filter(is_test=True)[0], by=mara, via=actions.Via.LINK)

    world.fast_forward(timedelta(hours=3))

    found.refresh_from_db()
    assert found.passed is False
    assert not Page.objects.filter(reason_type="readiness").exists()


def test_a_test_comes_before_each_shift_even_when_the_rota_moves(outbox: world.Outbox) -> None:
    bo, mara = world.person("Bo Silva"), world.person("Mara Keller")
    rota = world.schedule(mara)
    appointments.agree(bo, kind="shift", weekday=1, at=time(14), hours_before=5, by=bo)
    world.fast_forward(timedelta(hours=1))
    begins = now() + timedelta(days=3)
    world.oncall.add_override(rota, world.oncall.OverrideDraft(bo, begins, begins + timedelta(hours=8)), by=bo)

    world.fast_forward(timedelta(days=4))

    tests = [item for item in outbox.sent if item.message.is_test]
    assert [item.message.person_name for item in tests] == ["Bo Silva"]
    assert timedelta(0) <= tests[0].at - (begins - timedelta(hours=5)) < timedelta(minutes=1)


def test_a_test_that_was_called_off_does_not_come(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    weekly(mara)

    appointments.call_off(mara, by=mara)
    world.fast_forward(timedelta(days=8))

    assert outbox.sent == []
    assert [event.kind for event in timeline.about(mara)][-1] == "appointment.called_off"


def test_a_test_wakes_nobody_else_and_ends_unanswered(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    weekly(mara)
    world.fast_forward(timedelta(minutes=90))

    assert {item.message.person_name for item in outbox.sent} == {"Mara Keller"}
    assert Notification.objects.count() == Reached.objects.count() == 1


# Screens -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(outbox: world.Outbox) -> Client:
    """A responder's browser."""
    client = Client()
    client.force_login(world.person("Rea Reader"))
    return client


def test_the_screen_of_readiness_names_who_can_not_be_reached(browser: Client) -> None:
    assert "No policy and no rota names anybody yet." in browser.get("/readiness/").content.decode()
    world.policy((300, [silent(), world.person()]))

    html = browser.get("/readiness/").content.decode()

    assert "1 person can not be reached." in html
    assert "No way to be reached is set up" in html
    assert "Has never answered a test" in html


def test_a_test_by_appointment_is_set_on_the_profile(browser: Client) -> None:
    said = {"kind": "weekly", "weekday": "2", "at": "10:30", "hours_before": "12"}
    assert browser.post("/you/test/", said).status_code == 302

    found = Appointment.objects.get()
    assert (found.weekday, found.at, found.hours_before) == (2, time(10, 30), 12)
    assert 'value="10:30"' in browser.get("/you/").content.decode()
    browser.post("/you/test/", {"kind": ""})
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("wrong", [{"weekday": "9"}, {"at": "half past"}, {"hours_before": "-3"}, {"kind": "daily"}])
def test_what_is_no_time_is_refused(browser: Client, wrong: dict[str, str]) -> None:
    browser.post("/you/test/", {"kind": "weekly", "weekday": "2", "at": "10:30", **wrong})

    assert not Appointment.objects.exists()
