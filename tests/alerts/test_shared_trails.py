"""Alerts on which the same was decided share its words, and each still tells all of them."""

import pytest

from raglan.alerts.models import Alert, Trail
from raglan.alerts.ports import SourceKey
from raglan.alerts.queries import alert_with_decisions
from raglan.core.db import atomic
from raglan.people.models import Person
from raglan.testing import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mara(transactional_db: None) -> Person:
    return world.person("Mara Keller")


@pytest.fixture
def source(mara: Person) -> SourceKey:
    world.route(1, world.policy((300, [mara])))
    return world.source()


def fire(source: SourceKey, *names: str) -> None:
    world.ingest(source, *(world.signal(instance=name) for name in names))


def of(*names: str) -> list[Alert]:
    return [Alert.objects.get(labels__instance=name) for name in names]


def told(alert: Alert) -> list[tuple[str, str, str]]:
    found = alert_with_decisions(alert.pk)
    assert found is not None
    return [(item.stage, item.outcome, item.reason) for item in found.decided]


def test_what_comes_again_is_stored_once(source: SourceKey) -> None:
    fire(source, "first", *"abcde")

    alerts = of("first", *"abcde")
    assert [alert.shared_trail is None for alert in alerts] == [True, True, False, False, False, False]
    assert len({alert.shared_trail for alert in alerts[2:]}) == 1
    assert Trail.objects.count() == 1
    assert [len(alert.trail) for alert in alerts[2:]] == [0, 0, 0, 0]


def test_each_tells_all_that_was_decided(source: SourceKey) -> None:
    fire(source, "first", *"abc")

    own, shared = (told(alert) for alert in of("a", "c"))
    assert own == shared
    assert [stage for stage, _, _ in shared] == ["identify", "deduplicate", "route", "group", "hold", "page"]
    assert shared[-1][1] == "joined"


def test_what_follows_stands_behind_what_is_shared(source: SourceKey) -> None:
    fire(source, "first", *"abc")
    world.ingest(source, world.signal("resolved", instance="c"))

    assert [outcome for _, outcome, _ in told(of("c")[0])][-2:] == ["joined", "resolves"]


def test_what_changes_in_the_same_commit_has_its_own_words(source: SourceKey) -> None:
    fire(source, "first", *"abc")
    world.ingest(source, world.signal(instance="d"), world.signal("resolved", instance="d"))

    (alert,) = of("d")
    assert (alert.state, alert.shared_trail) == ("resolved", None)
    assert [outcome for _, outcome, _ in told(alert)][-2:] == ["joined", "resolves"]


def test_a_trail_of_a_commit_that_was_taken_back_is_not_named(source: SourceKey) -> None:
    fire(source, "first", "a")
    with pytest.raises(ValueError, match="given up"):
        given_up(source)
    fire(source, *"def")

    named = {alert.shared_trail for alert in of(*"def")} - {None}
    assert set(Trail.objects.values_list("pk", flat=True)) == named
    assert all(told(alert)[-1][1] == "joined" for alert in of(*"def"))


def given_up(source: SourceKey) -> None:
    with atomic():
        fire(source, "b", "c")
        assert Trail.objects.exists()
        raise ValueError("given up")


def test_another_page_has_another_trail(source: SourceKey) -> None:
    world.ingest(
        source, *(world.signal(alertname=name, instance=f"{name}{number}") for name in "XY" for number in "123")
    )

    x, y = of("X3", "Y3")
    assert x.shared_trail != y.shared_trail
    assert told(x)[-1][2] != told(y)[-1][2]
