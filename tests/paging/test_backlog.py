"""After an outage people get the present, not the past."""

from datetime import UTC, datetime, timedelta

import pytest

from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event, Timer
from raglan.paging import actions, backlog
from raglan.paging import timers as paging_timers
from raglan.paging.models import Page, Policy
from raglan.testing import world


@pytest.fixture
def morning(outbox: world.Outbox) -> None:
    """Monday, eight in UTC, with the audit running."""
    CLOCK.move(datetime(2027, 3, 1, 8, tzinfo=UTC) - now())
    timers.schedule(paging_timers.AUDIT, subject="paging", due_at=now())
    world.fire_all()


def start(policy: Policy, title: str, severity: str = "critical") -> Page:
    words = actions.Words(title, severity=severity)
    return actions.start(policy, words, reason=actions.Reason())


@pytest.mark.usefixtures("morning")
def test_after_six_hours_each_open_page_goes_out_once_and_the_rest_is_one_digest(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller", time_zone="UTC")
    policy = world.policy((300, [mara]), (300, [mara]), repeat=3)
    started = [start(policy, f"page {number}") for number in range(100)]
    CLOCK.move(timedelta(hours=6))  # every process was down
    for page in started[:50]:
        actions.resolve(page, why="over")

    world.fire_all()

    pages = [item.message.page_id for item in outbox.sent if not item.message.title.startswith("50 pages")]
    digests = [item.message for item in outbox.sent if item.message.title.startswith("50 pages")]
    assert sorted(pages) == [page.pk for page in started[50:]]
    assert len(digests) == 1
    assert all(f"- page {number} (critical)" in digests[0].text for number in range(50))
    late = [event.data["delay_s"] for event in Event.objects.filter(kind="page.step_late")]
    assert len(late) == 50
    assert all(abs(delay - 6 * 3600) < 300 for delay in late)


@pytest.mark.usefixtures("morning")
def test_the_severe_go_first_and_of_those_the_newest(outbox: world.Outbox) -> None:
    policy = world.policy((300, [world.person("Mara Keller")]))
    for title, severity in (("a", "info"), ("b", "critical"), ("c", "weird"), ("d", "warning"), ("e", "critical")):
        start(policy, title, severity)
    CLOCK.move(timedelta(hours=1))

    assert backlog.put_in_order() == 5
    world.fire_all()

    assert [item.message.title for item in outbox.sent] == ["e", "b", "c", "d", "a"]


@pytest.mark.usefixtures("morning")
def test_putting_in_order_hides_no_lateness(outbox: world.Outbox) -> None:
    policy = world.policy((300, [world.person("Mara Keller")]))
    for number in range(3):
        start(policy, f"page {number}")
    CLOCK.move(timedelta(hours=1))
    before = timers.lateness()

    backlog.put_in_order()

    assert abs(timers.lateness() - before) < 1
    assert not Timer.objects.filter(kind=actions.ESCALATE, due_at__gt=now() - timedelta(minutes=59)).exists()


@pytest.mark.usefixtures("morning")
def test_who_was_reached_before_the_outage_is_in_no_digest(outbox: world.Outbox) -> None:
    page = world.page(world.policy((300, [world.person("Mara Keller")])))
    CLOCK.move(timedelta(hours=6))
    actions.resolve(page, why="over")

    world.fire_all()

    assert not Page.objects.filter(reason_type="digest").exists()


@pytest.mark.usefixtures("morning")
def test_without_an_outage_nothing_is_digested(outbox: world.Outbox) -> None:
    policy = world.policy((300, [world.person("Mara Keller")]))
    for _ in range(5):
        world.fast_forward(timedelta(minutes=1))
        actions.resolve(start(policy, "short"), why="over")
    world.fast_forward(timedelta(minutes=5))

    assert not Page.objects.filter(reason_type="digest").exists()
