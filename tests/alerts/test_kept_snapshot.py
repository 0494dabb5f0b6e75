"""What one commit left open is used by the next one only when nobody has written in between."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.ports import SourceKey
from raglan.core.faults import Crash, crash_at
from raglan.paging import actions as paging
from raglan.paging.models import Page
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


def elsewhere(act: Callable[[], object]) -> None:
    """Do something on a connection of its own."""

    def run() -> None:
        act()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def page_decision(instance: str) -> str:
    alert = Alert.objects.get(labels__instance=instance)
    return next(item.reason for item in alert.decided if item.stage == "page")


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        act()
    return [str(query["sql"]) for query in asked]


def test_nobody_wrote_so_groups_and_routes_are_not_read_again(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"))

    asked = statements(lambda: world.ingest(source, world.signal(instance="b")))

    has_memory = connection.vendor == "sqlite"
    assert any('FROM "alerts_route"' in sql for sql in asked) is not has_memory
    assert AlertGroup.objects.get().alert_count == 2


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_an_answer_in_between_is_seen(source: SourceKey, mara: Person, where: str) -> None:
    world.ingest(source, world.signal(instance="a"))

    def answer() -> None:
        paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)

    answer() if where == "here" else elsewhere(answer)
    world.ingest(source, world.signal(instance="b"))

    assert "which Mara Keller has" in page_decision("b")


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_route_that_was_changed_in_between_is_seen(source: SourceKey, mara: Person, where: str) -> None:
    world.ingest(source, world.signal(instance="a"))
    other = world.policy((60, [mara]), slug="other")

    def change() -> None:
        world.route(1, other, ("alertname", "=", "Other"))

    change() if where == "here" else elsewhere(change)
    world.ingest(source, world.signal(alertname="Other"))

    assert AlertGroup.objects.order_by("-pk")[0].policy == other


def test_what_was_rolled_back_is_not_remembered(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"))
    with crash_at(1, name="ingest.before_commit"), pytest.raises(Crash):
        world.ingest(source, world.signal(instance="b"), world.signal(alertname="Other"))

    world.ingest(source, world.signal(instance="b"))

    group = AlertGroup.objects.get()
    assert (group.alert_count, group.firing_count, Alert.objects.count()) == (2, 2, 2)


def test_a_group_that_closed_is_not_joined(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.ingest(source, world.signal("resolved", instance="a"))

    world.ingest(source, world.signal(instance="b"))

    assert list(AlertGroup.objects.order_by("pk").values_list("state", flat=True)) == ["closed", "open"]
