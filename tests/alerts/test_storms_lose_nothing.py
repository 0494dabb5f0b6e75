"""A storm saves messages, never a page: what its page does not wake anybody for pages by itself."""

from datetime import timedelta

import pytest

from raglan.alerts import actions, queries
from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.ports import SourceKey
from raglan.config import config
from raglan.paging import actions as paging
from raglan.paging.models import Page, Policy
from raglan.paging.plan import Urgency
from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three groups a minute are enough."""
    monkeypatch.setattr(config(), "storm_groups", 3)


def burst(source: SourceKey, numbers: range, status: str = "firing", **labels: str) -> None:
    signals = [world.signal(status, alertname=f"A{number}", **labels) for number in numbers]  # type: ignore[arg-type]
    world.ingest(source, *signals)


def titles(outbox: world.Outbox) -> list[str]:
    world.fire_all()
    return [item.message.title for item in outbox.sent]


def storm_page() -> Page:
    return Page.objects.filter(reason_type="storm").latest("pk")


def two_teams(first: Policy) -> Policy:
    """Let every alert page the first policy and, by a route behind it, a second one."""
    second = world.policy((300, [world.person("Bo Lind")]))
    world.route(1, first, options=actions.RouteOptions(goes_on=True))
    world.route(2, second)
    return second


def test_a_storm_of_the_first_policy_does_not_keep_the_second_from_its_page(
    policy: Policy, source: SourceKey, outbox: world.Outbox
) -> None:
    burst(source, range(10), severity="critical")
    second = two_teams(policy)

    world.ingest(source, world.signal(alertname="Lone", severity="critical"))

    assert AlertGroup.objects.get(title="Lone").page == storm_page()
    assert [page.title for page in Page.objects.filter(policy=second)] == ["Lone"]


def test_a_storm_that_reaches_a_policy_by_a_route_behind_is_one_page_there_too(
    policy: Policy, source: SourceKey, outbox: world.Outbox
) -> None:
    second = two_teams(policy)

    burst(source, range(50))

    assert Page.objects.filter(policy=policy).count() == 4
    assert Page.objects.filter(policy=second).count() == 4
    storm = Page.objects.get(policy=second, reason_type="storm")
    assert queries.storm(int(str(storm.reason_id)))[1].count() == 47


def test_the_page_of_a_storm_by_a_route_behind_ends_with_its_last_group(policy: Policy, source: SourceKey) -> None:
    second = two_teams(policy)
    burst(source, range(10))
    burst(source, range(9), "resolved")
    assert Page.objects.get(policy=second, reason_type="storm").state == Page.State.TRIGGERED

    burst(source, range(9, 10), "resolved")

    assert set(Page.objects.values_list("state", flat=True)) == {"resolved"}


def test_what_comes_after_somebody_took_the_storm_is_not_covered_by_their_answer(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    burst(source, range(10))
    world.fire_all()
    paging.acknowledge(storm_page(), by=mara, via=paging.Via.LINK)

    burst(source, range(10, 11))

    assert "A10" in titles(outbox)


def test_a_storm_that_goes_on_after_somebody_took_it_is_a_new_one(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    burst(source, range(10))
    world.fire_all()
    paging.acknowledge(storm_page(), by=mara, via=paging.Via.LINK)

    burst(source, range(10, 60))

    assert len(titles(outbox)) == 8
    assert storm_page().state == Page.State.TRIGGERED


def test_an_urgent_alert_does_not_wait_for_daylight_on_the_page_of_a_quiet_storm(
    policy: Policy, source: SourceKey
) -> None:
    Policy.objects.filter(pk=policy.pk).update(urgency="severity")
    burst(source, range(10), severity="warning")
    assert storm_page().urgency == Urgency.LOW

    world.ingest(source, world.signal(alertname="Odd", severity="sev1"))

    page = AlertGroup.objects.get(title="Odd").page
    assert page is not None
    assert (page.title, page.urgency) == ("Odd", Urgency.HIGH)


def test_a_new_alert_of_one_group_leaves_the_unanswered_page_of_its_storm_to_the_others(source: SourceKey) -> None:
    burst(source, range(10))
    storm = storm_page()
    world.fast_forward(timedelta(hours=2))
    storm.refresh_from_db()
    assert storm.state == Page.State.UNANSWERED

    burst(source, range(9, 10), instance="b")

    storm.refresh_from_db()
    assert storm.state == Page.State.UNANSWERED
    assert AlertGroup.objects.get(title="A9").page != storm


def test_an_acknowledgement_by_the_source_of_one_alert_does_not_take_the_storm(source: SourceKey) -> None:
    burst(source, range(10))

    burst(source, range(9, 10), "acknowledged")

    assert storm_page().state == Page.State.TRIGGERED
    last = Alert.objects.latest("pk").decided[-1]
    assert (last.outcome, last.reason) == (
        "goes_on",
        f"its source has it; page {storm_page().pk} of a storm goes on for the others",
    )


def test_the_page_of_a_storm_ends_when_its_last_group_has_one_of_its_own(source: SourceKey, mara: Person) -> None:
    burst(source, range(4))
    storm = storm_page()
    paging.acknowledge(storm, by=mara, via=paging.Via.LINK)

    burst(source, range(3, 4), instance="b", severity="critical")
    world.fast_forward(timedelta(minutes=6))

    storm.refresh_from_db()
    assert AlertGroup.objects.get(title="A3").page != storm
    assert storm.state == Page.State.RESOLVED


def test_a_silence_that_moves_within_a_storm_ends_no_page(source: SourceKey) -> None:
    burst(source, range(3))
    silence = world.silence(("alertname", "=", "A3"))
    burst(source, range(3, 5))
    storm = storm_page()
    assert AlertGroup.objects.get(title="A4").page == storm

    draft = world.silence_draft(("alertname", "=", "A4"))
    actions.change_silence(silence, draft, version=1, actor="raglan")

    storm.refresh_from_db()
    assert AlertGroup.objects.get(title="A3").page == storm
    assert storm.state == Page.State.TRIGGERED


def test_an_end_and_a_beginning_in_one_request_leave_the_page_of_the_storm(source: SourceKey) -> None:
    burst(source, range(5))
    world.silence(("instance", "=", "a"))
    burst(source, range(3, 4), instance="a")
    burst(source, range(3, 4), "resolved")  # what is left of this group is silenced

    world.ingest(source, world.signal("resolved", alertname="A4"), world.signal(alertname="A3", instance="b"))

    page = AlertGroup.objects.get(title="A3", state="open").page
    assert page is not None
    assert page.state == Page.State.TRIGGERED
