"""Places that are remembered are the ones that would be found anew."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.pipeline.hours import parse_span
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.placing import Places, place
from raglan.alerts.ports import SourceKey
from raglan.paging.models import Policy
from raglan.testing import world

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def rule(position: int, *matchers: Matcher, group_by: tuple[str, ...] = (), hours: tuple[str, ...] = ()) -> RouteRule:
    spans = tuple(parse_span(text, "hours") for text in hours)
    return RouteRule(position, position, 1, position, f"p{position}", matchers, group_by, hours=spans)


TABLES = {
    "none": [],
    "plain": [rule(1)],
    "matched": [rule(1, Matcher("team", "=~", "a|b"), group_by=("rack",)), rule(2, Matcher("env", "!=", "x"))],
    "in hours": [rule(1, hours=("mon-fri 09:00-17:00",)), rule(2)],
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_remembered_place_is_the_one_that_would_be_found(table: list[RouteRule]) -> None:
    chance = random.Random(7)
    places = Places(table)
    names = ["alertname", "service", "cluster", "team", "env", "rack", "instance"]
    for number in range(400):
        labels = {name: chance.choice("abx") for name in names if chance.random() < 0.6}
        labels |= {"pod": str(number)} if chance.random() < 0.5 else {}
        at, source = AT + timedelta(hours=chance.choice((0, 12))), chance.choice((1, 2))
        key = chance.choice(("", "one", "another"))
        assert places.of(labels, source, at, key) == place(labels, source, table, at, key)


@pytest.mark.django_db
def test_sources_of_one_commit_are_held_back_each_by_itself(source: SourceKey, policy: Policy) -> None:
    other = world.source()
    world.alerts.set_noisy(world.alert_queries.sources().get(pk=other.id), is_noisy=True, actor="raglan")

    for key in (source, other, source, other):
        world.ingest(key, world.signal(instance="a"), world.signal(instance="b"))

    assert set(Alert.objects.values_list("source_id", "held")) == {(source.id, ""), (other.id, "noisy")}
    assert sorted(AlertGroup.objects.values_list("firing_count", "held_count")) == [(2, 0), (2, 2)]
