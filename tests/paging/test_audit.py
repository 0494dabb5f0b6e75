from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.models import Event, Timer
from raglan.paging import actions, audit, returning
from raglan.paging import timers as paging_timers
from raglan.paging.actions import steps
from raglan.paging.models import Page
from raglan.testing import world


@pytest.fixture
def audited(outbox: world.Outbox) -> Page:
    """A page at its first step, with the audit running."""
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    timers.schedule(paging_timers.AUDIT, subject="paging", due_at=now())
    return world.page(world.policy((300, [mara]), (300, [bo])))


def test_a_page_that_lost_its_timer_is_repaired_within_two_minutes(audited: Page, outbox: world.Outbox) -> None:
    timers.cancel(actions.ESCALATE, subject=timeline.ref(audited))

    world.fast_forward(timedelta(minutes=8))

    assert [item.message.person_name for item in outbox.sent] == ["Mara Keller", "Bo Silva"]
    assert Event.objects.filter(kind="page.escalation_repaired").count() == 1


def test_a_page_without_a_time_for_its_next_step_is_repaired(audited: Page, outbox: world.Outbox) -> None:
    timers.cancel(actions.ESCALATE, subject=timeline.ref(audited))
    Page.objects.filter(pk=audited.pk).update(next_step_at=None)

    world.fast_forward(timedelta(minutes=2))

    assert [item.message.person_name for item in outbox.sent] == ["Mara Keller", "Bo Silva"]


def test_a_snooze_that_lost_its_timer_is_repaired(audited: Page, outbox: world.Outbox) -> None:
    mara = audited.reached.get().person
    returning.snooze(audited, until=now() + timedelta(minutes=10), by=mara, via=actions.Via.LINK)
    timers.cancel(actions.BACK, subject=timeline.ref(audited))

    world.fast_forward(timedelta(minutes=13))

    assert [item.message.person_name for item in outbox.sent] == ["Mara Keller", "Mara Keller"]


def test_a_forgotten_acknowledgement_that_lost_its_timer_is_repaired(audited: Page) -> None:
    mara = audited.reached.get().person
    actions.acknowledge(audited, by=mara, via=actions.Via.LINK)
    planned = Timer.objects.get(kind=actions.BACK, subject=timeline.ref(audited)).due_at
    timers.cancel(actions.BACK, subject=timeline.ref(audited))

    world.fast_forward(timedelta(minutes=3))

    assert Timer.objects.get(kind=actions.BACK, subject=timeline.ref(audited)).due_at == planned
    assert Event.objects.filter(kind="page.escalation_repaired").count() == 1


@pytest.mark.parametrize("how", ["kept", "never asked", "old"])
def test_an_acknowledgement_that_is_well_is_left_alone(audited: Page, how: str) -> None:
    actions.acknowledge(audited, by=audited.reached.get().person, via=actions.Via.LINK)
    pages = Page.objects.filter(pk=audited.pk)
    if how != "kept":
        timers.cancel(actions.BACK, subject=timeline.ref(audited))
    if how == "never asked":
        pages.update(plan={**audited.plan, "forgotten_after_s": 0})
    if how == "old":
        pages.update(created_at=now() - timedelta(days=8))

    world.fast_forward(timedelta(minutes=4))

    assert not Event.objects.filter(kind="page.escalation_repaired").exists()


def test_a_message_that_lost_its_timer_is_repaired(audited: Page, outbox: world.Outbox) -> None:
    bo = world.person("Bo Silva")
    page = actions.page_people([bo], actions.Words("Look"), reason=actions.Reason(), by=None)
    actions.escalate(page.pk)
    Timer.objects.filter(kind=actions.DELIVER).delete()

    world.fast_forward(timedelta(minutes=4))

    assert [item.message.page_id for item in outbox.sent] == [audited.pk, page.pk]


def test_a_repair_is_counted_and_told_once_an_hour(audited: Page, outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    for _ in range(3):
        Timer.objects.filter(kind=actions.ESCALATE, subject=timeline.ref(audited)).delete()
        Page.objects.filter(pk=audited.pk).update(next_step_at=now() - timedelta(minutes=5))
        world.fast_forward(timedelta(minutes=2))

    assert Page.objects.filter(reason_type="repaired").count() == 1
    assert Event.objects.filter(kind="page.escalation_repaired").count() >= 2


def test_the_audit_asks_few_questions_whatever_is_open(
    audited: Page, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        actions.acknowledge(world.page(audited.policy or world.policy()), by=None, via=actions.Via.SOURCE)

    with django_assert_max_num_queries(6):
        assert audit.repair() == 0


def test_pages_that_are_well_are_left_alone(audited: Page) -> None:
    world.fast_forward(timedelta(minutes=4))

    assert not Event.objects.filter(kind="page.escalation_repaired").exists()
    assert Timer.objects.filter(kind=paging_timers.AUDIT).count() == 1


def test_a_step_whose_code_raises_is_set_aside_and_the_page_goes_on(
    outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.administrator("Ada Lamb")
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    real = steps._reach_out

    def breaks_for_mara(page: Page, item: object) -> object:
        if item.person == mara:  # type: ignore[attr-defined]  # what the real one takes
            raise RuntimeError("a fault of our own")
        return real(page, item)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(steps, "_reach_out", breaks_for_mara)
    page = world.page(world.policy((300, [mara]), (300, [bo])))
    world.fast_forward(timedelta(minutes=1))

    page.refresh_from_db()
    assert [item.message.person_name for item in outbox.sent if item.message.page_id == page.pk] == ["Bo Silva"]
    assert Page.objects.filter(reason_type="repaired").count() == 1
    assert page.step == 1
    assert Timer.objects.filter(kind=actions.ESCALATE, parked_at__isnull=False).count() == 1


def test_when_every_step_raises_the_page_ends_as_unanswered(
    outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(page: Page, item: object) -> None:
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr(steps, "_reach_out", breaks)
    page = world.page(world.policy((300, [world.person()]), (300, [world.person()]), repeat=1))
    world.fast_forward(timedelta(minutes=5))

    page.refresh_from_db()
    assert page.state == Page.State.UNANSWERED
