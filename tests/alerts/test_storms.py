"""A storm is one page that keeps counting; nothing is dropped, and what matters more gets through."""

from datetime import timedelta

import pytest

from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.ports import SourceKey
from raglan.config import config
from raglan.paging import actions as paging
from raglan.paging.models import Page
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


def test_many_groups_at_once_are_a_few_pages_and_one_that_counts(source: SourceKey, outbox: world.Outbox) -> None:
    burst(source, range(500))

    told = titles(outbox)
    assert len(told) == 4
    assert told[3].startswith("Storm: more groups of alerts for Web")
    assert told[3].endswith("200 so far")
    storm = Page.objects.get(reason_type="storm")
    assert (AlertGroup.objects.count(), Alert.objects.count()) == (500, 500)
    assert AlertGroup.objects.filter(page=storm).count() == 497
    assert AlertGroup.objects.filter(page=None).count() == 0
    last = Alert.objects.latest("pk").trail[-1]
    assert last[1:3] == ["bundled", f"bundled on page {storm.pk} of a storm, with 496 other groups so far"]


def test_a_storm_in_small_batches_is_one_storm_too(source: SourceKey, outbox: world.Outbox) -> None:
    for number in range(30):
        burst(source, range(number, number + 1))

    assert len(titles(outbox)) == 4


def test_a_lone_critical_of_another_team_and_a_worse_one_get_through(source: SourceKey, outbox: world.Outbox) -> None:
    other = world.policy((300, [world.person("Otto Berg")]))
    world.route(0, other, ("team", "=", "db"))
    burst(source, range(50), severity="warning")

    world.ingest(
        source, world.signal(alertname="Lone", team="db"), world.signal(alertname="Worse", severity="critical")
    )

    assert {"Lone", "Worse"} <= set(titles(outbox))


def test_the_page_of_a_storm_ends_with_the_last_of_its_groups(source: SourceKey) -> None:
    burst(source, range(10))
    burst(source, range(9), "resolved")
    assert Page.objects.get(reason_type="storm").state == Page.State.TRIGGERED

    burst(source, range(9, 10), "resolved")

    assert set(Page.objects.values_list("state", flat=True)) == {"resolved"}


def test_silencing_all_of_a_storm_ends_its_page_and_the_end_of_the_silence_pages(
    source: SourceKey, outbox: world.Outbox
) -> None:
    burst(source, range(10))
    world.fire_all()
    world.silence(("alertname", "=~", "A.*"))
    assert set(Page.objects.values_list("state", flat=True)) == {"resolved"}

    world.fast_forward(timedelta(minutes=61))

    assert Page.objects.exclude(state=Page.State.RESOLVED).count() == 4


def test_after_five_calm_minutes_the_next_group_pages_by_itself(source: SourceKey, outbox: world.Outbox) -> None:
    burst(source, range(10))
    world.fast_forward(timedelta(minutes=4))
    burst(source, range(10, 11))
    assert "A10" not in titles(outbox)

    world.fast_forward(timedelta(minutes=6))
    burst(source, range(11, 12))

    assert "A11" in titles(outbox)


def test_what_comes_long_after_somebody_took_the_storm_pages_by_itself(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    burst(source, range(10))
    world.fire_all()
    paging.acknowledge(Page.objects.get(reason_type="storm"), by=mara, via=paging.Via.LINK)
    for minute in range(1, 5):
        world.fast_forward(timedelta(minutes=1))
        burst(source, range(20 + minute, 21 + minute))
    world.fast_forward(timedelta(minutes=2))
    burst(source, range(40, 41))

    assert "A40" in titles(outbox)


def test_a_steady_trickle_is_no_storm(source: SourceKey, outbox: world.Outbox) -> None:
    for number in range(8):
        burst(source, range(number, number + 1))
        world.fast_forward(timedelta(seconds=40))

    assert not Page.objects.filter(reason_type="storm").exists()


def test_without_a_limit_each_group_pages(source: SourceKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "storm_groups", 0)
    burst(source, range(12))

    assert Page.objects.count() == 12


def test_the_screen_of_a_storm_lists_what_it_took(source: SourceKey, mara: Person) -> None:
    from django.test import Client

    burst(source, range(10))
    browser = Client()
    browser.force_login(mara)
    link = Page.objects.get(reason_type="storm").link

    shown = browser.get(link).content.decode()

    assert "7 groups on one page, none lost" in shown
    assert "A9" in shown
    assert browser.get("/alerts/storms/999/").status_code == 404
