"""What a commit knew is used by the next one: rules until one changes, open groups until anybody writes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.alerts import actions as alerts
from raglan.alerts import snapshot
from raglan.alerts.models import Alert, AlertGroup, Route, Source
from raglan.alerts.pipeline.flap import FlapRule
from raglan.alerts.ports import SourceKey
from raglan.core.clock import CLOCK, now
from raglan.core.faults import Crash, crash_at
from raglan.paging import actions as paging
from raglan.paging import queries as policies
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.support.connections import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mara(transactional_db: None) -> Person:
    return world.person("Mara Keller")


@pytest.fixture
def source(mara: Person) -> SourceKey:
    world.route(1, world.policy((300, [mara])))
    return world.source()


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


def test_work_of_the_engine_in_between_lets_rules_stand(source: SourceKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "NOISE_KEPT", timedelta(hours=1))  # this work may take longer than a second
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()

    asked = statements(lambda: world.ingest(source, world.signal(alertname="Other")))

    has_memory = connection.vendor == "sqlite"
    for table in ("alerts_route", "alerts_inhibition", "paging_policy", "paging_step"):
        assert any(f'FROM "{table}"' in sql for sql in asked) is not has_memory


def test_where_nothing_begins_or_ends_by_time_nothing_is_read_again_for_that(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"))
    CLOCK.move(timedelta(hours=1))

    asked = statements(lambda: world.ingest(source, world.signal(instance="b")))

    assert any('FROM "alerts_silence"' in sql for sql in asked) is (connection.vendor != "sqlite")


@pytest.mark.parametrize("is_silence", [True, False])
def test_what_begins_by_time_alone_is_seen(source: SourceKey, *, is_silence: bool) -> None:
    if is_silence:
        world.silence(("service", "=", "httpd"), after=1)
    else:
        begins = now() + timedelta(hours=1)
        start = begins.time().replace(second=0, microsecond=0)
        world.maintenance(("service", "=", "httpd"), first=begins.date(), start=start, zone="UTC")
    world.ingest(source, world.signal(instance="a"))
    CLOCK.move(timedelta(minutes=65))

    world.ingest(source, world.signal(instance="b"))

    held = Alert.objects.order_by("pk").values_list("held", flat=True)
    assert list(held) == ["", "silenced" if is_silence else "planned"]


def changes(source: SourceKey, mara: Person) -> dict[str, Callable[[], object]]:
    """One of each action that changes rules, in an order in which each changes something."""
    row = Source.objects.get(pk=source.id)
    others = [world.policy((60, [mara]), slug=f"other-{number}") for number in range(2)]
    made: dict[str, Any] = {}

    def keep(name: str, thing: object) -> None:
        made[name] = thing

    def remove() -> None:
        row = Route.objects.get(pk=made["route"].pk)
        alerts.remove_route(row, version=row.version, actor="raglan")

    def steps() -> None:
        world.policy((30, [mara]), slug=Route.objects.get(position=1).policy.slug, repeat=2)

    return {
        "a silence": lambda: keep("silence", world.silence(("service", "=", "httpd"))),
        "a silence that ends": lambda: alerts.expire_silence(made["silence"], actor="raglan"),
        "a window": lambda: keep("window", world.maintenance(("service", "=", "x"), **at_once())),
        "a window that ends": lambda: alerts.end_maintenance(made["window"], actor="raglan"),
        "an inhibition": lambda: keep("inhibition", world.inhibition(("a", "=", "1"), ("b", "=", "2"))),
        "no inhibition": lambda: alerts.remove_inhibition(made["inhibition"], actor="raglan"),
        "flapping of a source": lambda: alerts.save_flapping(row, FlapRule(5, 60, 60, 60), actor="raglan"),
        "a route": lambda: keep("route", world.route(2, others[0], ("service", "=", "httpd"))),
        "steps of a policy": steps,
        "a route that moves": lambda: alerts.move_route(made["route"], up=True, actor="raglan"),
        "no route": remove,
        "a route that is back": lambda: alerts.restore_route(made["route"].pk, actor="raglan"),
        "a noisy source": lambda: alerts.set_noisy(row, is_noisy=True, actor="raglan"),
    }


def at_once() -> dict[str, Any]:
    here = now()  # in UTC, where no hour comes twice
    return {"first": here.date(), "start": here.time().replace(second=0, microsecond=0), "zone": "UTC"}


def seen() -> dict[str, object]:
    """What the next commit would go by."""
    found = snapshot._fresh(now())
    plans = {pk: policies.plan_of(found.policy(pk)) for pk in sorted(found.plans)}
    return {"rules": found.rules, "noise": found.noise, "plans of before": found.plans == plans}


def test_every_change_of_rules_is_seen_at_once(source: SourceKey, mara: Person) -> None:
    before: object = None
    for name, change in changes(source, mara).items():
        world.ingest(source, world.signal(alertname=name))  # which keeps what it knew
        change()
        warm = seen()
        snapshot._kept.stamp = None
        cold = seen()
        assert warm == cold, name
        assert name == "steps of a policy" or cold != before, name  # else nothing was tried
        before = cold


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
