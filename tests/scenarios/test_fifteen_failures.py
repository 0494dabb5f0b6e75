"""The failures that other pagers were reported for, each as a test by its name and number.

Numbers are those of the list in docs/explanation/promises.md; those not here have tests in `tests/oncall`,
`tests/alerts` and `test_at_the_same_time.py`.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event
from raglan.paging import actions, foresight, queries, readiness, returning
from raglan.paging import timers as paging_timers
from raglan.paging.models import Notification, Page, Policy
from raglan.paging.plan import EarlierSteps, WhenNobody
from raglan.people.models import Person
from raglan.testing import world

LINK = actions.Via.LINK
pytestmark = pytest.mark.django_db


def names(box: world.Outbox) -> list[str]:
    return [item.message.person_name for item in box.sent]


def three_ways(person: Person, *, minutes: int = 5) -> None:
    ways = [world.mail_of(person), world.way(person, "webhook"), world.way(person, "email")]
    actions.set_rules(person, [(way.pk, 60 * minutes * number) for number, way in enumerate(ways)], by=person)


# 3. Restart while waiting --------------------------------------------------------------------------------------------


def test_3_restart_while_waiting(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((600, [mara]), (600, [bo])))
    world.fast_forward(timedelta(minutes=3))
    CLOCK.move(timedelta(minutes=9))  # killed at minute 3, back at minute 12

    world.fire_all()
    world.fire_all()

    assert names(outbox) == ["Mara Keller", "Bo Silva"]
    late = [event.data["delay_s"] for event in timeline.about(page) if event.kind == "page.step_late"]
    assert 120 <= late[0] < 180
    assert len(late) == 1


# 4. Acknowledged, yet it goes on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_another", [False, True])
def test_4_acknowledged_yet_it_goes_on(outbox: world.Outbox, by_another: bool) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    three_ways(mara)
    page = world.page(world.policy((3600, [mara])))

    actions.acknowledge(page, by=bo if by_another else mara, via=LINK)
    world.fast_forward(timedelta(hours=2))

    assert len(outbox.sent) == 1
    states = list(Notification.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["handed_over", "cancelled", "cancelled"]


def test_4_what_was_handed_over_before_is_shown_as_sent_before_the_acknowledgement(
    outbox: world.Outbox, client: Client
) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((3600, [mara])))
    world.fast_forward(timedelta(minutes=1))
    actions.acknowledge(page, by=bo, via=LINK)
    client.force_login(bo)

    assert "sent before the acknowledgement" in client.get(f"/pages/{page.pk}/").content.decode()


def test_4_what_is_being_sent_at_that_moment_is_the_last_and_is_shown_so(outbox: world.Outbox, client: Client) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    three_ways(mara)
    outbox.meanwhile = lambda: actions.acknowledge(Page.objects.get(), by=bo, via=LINK)
    page = world.page(world.policy((3600, [mara])))
    world.fast_forward(timedelta(hours=1))
    client.force_login(bo)

    assert len(outbox.sent) == 1
    assert "it was on its way when somebody answered" in client.get(f"/pages/{page.pk}/").content.decode()


def test_4_somebody_added_later_gets_their_own_stop(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    three_ways(bo)
    page = actions.acknowledge(world.page(world.policy((3600, [mara]))), by=mara, via=LINK)
    returning.add_people(page, [bo], by=mara)
    world.fast_forward(timedelta(minutes=6))
    assert len(outbox.to(bo)) == 2

    actions.join(page, by=bo, via=LINK)
    world.fast_forward(timedelta(hours=1))

    assert len(outbox.to(bo)) == 2


# 5. The alert from months ago ----------------------------------------------------------------------------------------


def half_past_five(outbox: world.Outbox) -> tuple[world.SourceKey, Page, Person]:
    """Return a source whose alert was acknowledged and forgotten; it is 05:30 in Berlin, ninety days later."""
    CLOCK.move(datetime(2027, 1, 4, 10, tzinfo=UTC) - now())
    mara = world.person("Mara Keller", time_zone="Europe/Berlin")
    world.route(1, world.policy((300, [mara])))
    source = world.source()
    world.ingest(source, world.signal())
    world.fire_all()
    page = actions.acknowledge(Page.objects.get(), by=mara, via=LINK)
    outbox.sent.clear()
    CLOCK.move(datetime(2027, 4, 4, 3, 30, tzinfo=UTC) - now())
    return source, page, mara


def test_5_the_alert_from_months_ago(outbox: world.Outbox) -> None:
    source, page, _ = half_past_five(outbox)

    world.fire_all()  # the reminder wakes
    world.ingest(source, world.signal())  # the same key fires
    world.fast_forward(timedelta(days=1))

    assert outbox.sent == []
    assert list(queries.long_ago()) == [page]


def test_5_a_new_firing_after_the_old_one_ended_is_a_new_episode(outbox: world.Outbox) -> None:
    source, page, mara = half_past_five(outbox)
    world.ingest(source, world.signal("resolved"))
    world.ingest(source, world.signal())
    world.fire_all()

    fresh = Page.objects.exclude(pk=page.pk).get()
    assert names(outbox) == [mara.name]
    assert outbox.sent[0].message.page_id == fresh.pk
    assert AlertGroup.objects.filter(key=AlertGroup.objects.get(page=fresh).key).count() == 2


# 8. One bad recipient blocks the others ------------------------------------------------------------------------------


def test_8_one_bad_recipient_blocks_the_others(outbox: world.Outbox) -> None:
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")]
    outbox.breaks(world.mail_of(people[0]).address, RuntimeError("a fault of our own"))

    page = world.page(world.policy((300, people)))

    assert names(outbox) == ["Bo Silva", "Ines Roth"]
    assert all(item.at - page.created_at < timedelta(minutes=1) for item in outbox.sent)
    world.fast_forward(timedelta(minutes=1))
    failed = [event for event in timeline.about(page) if event.kind == "notification.failed"]
    assert "a fault of our own" in str(failed[0].data["why"])


# 9. Role means silence -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Person.Role.values)
def test_9_role_means_silence(outbox: world.Outbox, role: str) -> None:
    somebody = world.person("Vera Lind", role=role)

    world.page(world.policy((300, [world.schedule(somebody)])))

    assert names(outbox) == ["Vera Lind"]


def test_9_if_somebody_can_not_be_paged_saving_fails_with_the_reason(outbox: world.Outbox) -> None:
    viewer = world.person("Vera Lind", role="viewer")
    viewer.contact_methods.all().delete()
    step = actions.StepDraft(300, (world.target(world.schedule(viewer)),))

    with pytest.raises(readiness.NotReady, match="Vera Lind: no way to be reached is set up"):
        readiness.save_policy(
            slug="web", name="Web", team=None, repeat=0, steps=[step], actor="raglan", choices=actions.Choices()
        )


# 10. Recorded as sent, never sent ------------------------------------------------------------------------------------


def test_10_recorded_as_sent_never_sent(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    three_ways(mara, minutes=10)
    first, second, third = [rule.contact.address for rule in mara.notification_rules.all()]
    outbox.refuse(first, permanent=True)

    page = world.page(world.policy((3600, [mara]), (3600, [bo])))

    assert outbox.addresses == [second]  # at once, and not after the wait
    assert world.states_of(page) == {first: "failed", second: "handed_over", third: "waiting"}


def test_10_a_step_without_any_success_is_escalated_early(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    three_ways(mara, minutes=10)
    for rule in mara.notification_rules.all():
        outbox.refuse(rule.contact.address, permanent=True)

    page = world.page(world.policy((3600, [mara]), (3600, [bo])))

    assert names(outbox) == ["Bo Silva"]
    assert "page.person_unreachable" in [event.kind for event in timeline.about(page)]


# 11. The next step cuts the person's own rules -----------------------------------------------------------------------


def cutting(choice: EarlierSteps) -> tuple[Policy, Person]:
    """Return a policy that moves on after three minutes, and a person with "mail, wait five, call"."""
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    actions.set_rules(mara, [(world.mail_of(mara).pk, 0), (world.way(mara, "webhook").pk, 300)], by=mara)
    policy = world.policy((180, [mara]), (600, [bo]), choices=actions.Choices(earlier_steps=choice))
    return policy, mara


def test_11_the_next_step_cuts_the_persons_own_rules(outbox: world.Outbox) -> None:
    policy, mara = cutting(EarlierSteps.STOP)

    warnings = foresight.never_reached(queries.plan_of(policy))
    world.page(policy)
    world.fast_forward(timedelta(minutes=8))

    assert warnings == [
        "Mara Keller: Webhook after 5 minutes can never be tried at step 1; "
        "the next step comes after 3 minutes and stops it."
    ]
    assert [item.kind for item in outbox.to(mara)] == ["email"]


def test_11_or_they_go_on_in_parallel(outbox: world.Outbox) -> None:
    policy, mara = cutting(EarlierSteps.GO_ON)

    world.page(policy)
    world.fast_forward(timedelta(minutes=8))

    assert foresight.never_reached(queries.plan_of(policy)) == []
    assert [item.kind for item in outbox.to(mara)] == ["email", "webhook"]


# 12. Nobody is on call -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", list(WhenNobody))
def test_12_nobody_is_on_call(outbox: world.Outbox, choice: WhenNobody) -> None:
    lead, ada = world.person("Lena Lead"), world.administrator("Ada Lamb")
    rota = world.schedule()
    step = actions.StepDraft(300, (world.target(rota),))
    choices = actions.Choices(when_nobody=choice)
    world.route(1, world.policy_of(step, of=world.team(lead), choices=choices))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    page = Page.objects.get(reason_type="group")

    if choice == WhenNobody.HOLD:
        assert (page.state, outbox.to(ada)) == (Page.State.TRIGGERED, [])
        world.cover(rota, lead, hours=1)
        world.fire_all()
        reached = [lead.name]
    else:
        world.fast_forward(timedelta(minutes=6))
        reached = [ada.name]
    assert [item.message.person_name for item in outbox.sent if item.message.page_id == page.pk][:1] == reached
    told = Page.objects.get(reason_type="gap")
    assert told.plan["steps"][0]["targets"] == [{"type": "person", "id": lead.pk}]


# Also worth a test: no escalation stops by itself --------------------------------------------------------------------


def test_a_planted_orphan_is_found_and_repaired_within_two_minutes(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    timers.schedule(paging_timers.AUDIT, subject="paging", due_at=now())
    page = world.page(world.policy((60, [mara]), (60, [bo])))
    timers.cancel(actions.ESCALATE, subject=timeline.ref(page))

    world.fast_forward(timedelta(minutes=3, seconds=1))

    assert names(outbox) == ["Mara Keller", "Bo Silva"]
    assert Event.objects.filter(kind="page.escalation_repaired").count() == 1


def test_an_escalation_does_not_run_after_the_alert_is_over(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    world.route(1, world.policy((60, [mara]), (60, [bo]), repeat=3))
    source = world.source()
    world.ingest(source, world.signal())
    world.fire_all()
    world.ingest(source, world.signal("resolved"))

    world.fast_forward(timedelta(hours=2))

    assert names(outbox) == ["Mara Keller"]
