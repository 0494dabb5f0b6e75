from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.alerts import actions
from raglan.alerts.models import Alert, AlertGroup, Source
from raglan.alerts.pipeline import route
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.ports import SourceKey
from raglan.core.clock import CLOCK
from raglan.core.decisions import Decided as Step
from raglan.core.errors import BadInput, NotSignedIn
from raglan.paging.models import Page, Policy
from raglan.people.models import Person
from raglan.testing import world

Decided = Callable[[int], list[tuple[str, str]]]


def decision(alert: Alert, stage: str) -> Step:
    found = [item for item in alert.decided if item.stage == stage]
    assert len(found) == 1
    return found[0]


def rule(position: int, *matchers: tuple[str, str, str]) -> RouteRule:
    return RouteRule(position, position, 1, position, f"policy {position}", tuple(Matcher(*m) for m in matchers), ())


@pytest.mark.parametrize(
    ("matcher", "value", "matches"),
    [
        (("team", "=", "web"), "web", True),
        (("team", "=", "web"), "website", False),
        (("team", "!=", "web"), "db", True),
        (("team", "=~", "web|db"), "db", True),
        (("team", "=~", "we"), "web", False),
        (("team", "=~", "we.*"), "web", True),
        (("team", "!~", "we.*"), "db", True),
        (("team", "=", ""), None, True),
        (("team", "!=", "web"), None, True),
        (("team", "=~", ".+"), None, False),
    ],
)
def test_matchers_read_labels_as_prometheus_does(
    matcher: tuple[str, str, str], value: str | None, matches: bool
) -> None:
    labels = {} if value is None else {"team": value}

    assert Matcher(*matcher).matches(labels) is matches


def test_the_first_route_that_matches_decides() -> None:
    rules = [rule(1, ("team", "=", "db")), rule(2, ("team", "=~", "w.*")), rule(3)]

    found, decision = route({"team": "web"}, rules)

    assert found is rules[1]
    assert (decision.outcome, decision.rule) == ("routed", "route 2, version 1")
    assert decision.reason == 'to policy 2: team=~"w.*"'


def test_all_matchers_of_a_route_must_match() -> None:
    both = rule(1, ("team", "=", "web"), ("severity", "=", "critical"))

    assert route({"team": "web"}, [both])[0] is None
    assert route({"team": "web", "severity": "critical"}, [both])[0] is both


def test_without_a_match_the_reason_says_so() -> None:
    assert route({}, [rule(1, ("team", "=", "web"))])[1].reason == "to the fallback policy: none of 1 routes matches"
    assert route({}, [])[1].reason == "to the fallback policy: there is no route yet"


def test_a_pattern_that_would_take_for_ever_is_read_at_once() -> None:
    evil = Matcher("team", "=~", "(a+)+$")

    assert evil.matches({"team": "a" * 4000 + "!"}) is False


@pytest.mark.parametrize(
    ("matcher", "field"),
    [
        (("team", "~", "x"), "matchers[0].op"),
        (("", "=", "x"), "matchers[0].name"),
        (("team", "=~", "("), "matchers[0].value"),
        (("team", "=~", "(?=x)"), "matchers[0].value"),
        (("team", "=~", r"(a)\1"), "matchers[0].value"),
        (("team", "=~", "x" * 501), "matchers[0].value"),
    ],
)
def test_a_route_that_can_not_be_read_is_refused_when_saved(
    policy: Policy, matcher: tuple[str, str, str], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        world.route(1, policy, matcher)

    assert (caught.value.field, caught.value.status) == (field, 422)


def test_every_stage_leaves_its_decision_with_a_reason(source: SourceKey, decided: Decided) -> None:
    world.ingest(source, world.signal())

    alert = Alert.objects.get()
    assert decided(alert.pk) == [
        ("identify", "identified"),
        ("deduplicate", "new"),
        ("route", "routed"),
        ("group", "grouped"),
        ("hold", "passed"),
        ("page", "paged"),
    ]
    assert all(item.reason for item in alert.decided)
    assert decision(alert, "page").rule == "web, version 1"


def test_a_second_alert_of_a_group_joins_its_page(source: SourceKey, decided: Decided, outbox: world.Outbox) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()

    world.ingest(source, world.signal(instance="b"))
    world.fire_all()

    second = Alert.objects.get(labels__instance="b")
    assert decided(second.pk)[-1] == ("page", "joined")
    assert second.group.alert_count == 2
    assert (Page.objects.count(), len(outbox.sent)) == (1, 1)


def test_alerts_of_different_names_are_different_groups(source: SourceKey) -> None:
    world.ingest(source, world.signal(alertname="A"), world.signal(alertname="B"))

    assert (AlertGroup.objects.count(), Page.objects.count()) == (2, 2)


def test_a_route_may_group_by_labels_of_its_own(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, group_by=["rack"])

    world.ingest(source, world.signal(alertname="A", rack="7"), world.signal(alertname="B", rack="7"))

    assert AlertGroup.objects.get().labels == {"rack": "7"}


def test_the_end_and_the_repeat_leave_decisions_or_counts(source: SourceKey, decided: Decided) -> None:
    for status in ("firing", "firing", "resolved"):
        world.ingest(source, world.signal(status))  # type: ignore[arg-type]  # three of the words

    alert = Alert.objects.get()
    assert decided(alert.pk)[-1] == ("deduplicate", "resolves")
    assert alert.signal_count == 3


def test_a_changed_route_counts_for_new_alerts_and_its_version_is_told(
    source: SourceKey, policy: Policy, decided: Decided
) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.route(1, policy, ("severity", "=~", ".*"))

    world.ingest(source, world.signal(instance="b"))

    rules = [decision(Alert.objects.get(labels__instance=name), "route").rule for name in "ab"]
    assert rules == ["route 1, version 1", "route 1, version 2"]


def test_an_alert_that_no_route_takes_pages_every_administrator(outbox: world.Outbox, decided: Decided) -> None:
    for name in ("Ada Lamb", "Otto Berg"):
        world.administrator(name)
    world.person("Mara Keller")

    world.ingest(world.source(), world.signal())
    world.fire_all()

    assert sorted(item.message.person_name for item in outbox.sent) == ["Ada Lamb", "Otto Berg"]
    assert ("route", "fallback") in decided(Alert.objects.get().pk)


def test_while_nobody_exists_an_alert_is_kept_and_says_that_it_is_held_back(outbox: world.Outbox) -> None:
    world.ingest(world.source(), world.signal())

    alert = Alert.objects.get()
    assert alert.group.page is None
    assert decision(alert, "page").outcome == "held_back"


def test_a_policy_in_a_gap_alone_ends_as_unanswered_and_not_in_silence(outbox: world.Outbox) -> None:
    world.route(1, world.policy((60, [world.schedule()])))
    world.ingest(world.source(), world.signal())

    world.fast_forward(timedelta(minutes=2))

    assert Page.objects.get().state == Page.State.UNANSWERED


def test_two_sources_have_groups_of_their_own(source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.ingest(world.source(), world.signal())

    assert AlertGroup.objects.count() == 2


def test_a_new_alert_in_an_acknowledged_group_says_who_has_it(source: SourceKey, mara: Person) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.paging.acknowledge(Page.objects.get(), by=mara, via=world.paging.Via.LINK)

    world.ingest(source, world.signal(instance="b"))

    joined = decision(Alert.objects.get(labels__instance="b"), "page")
    assert "Mara Keller has" in joined.reason


def test_a_token_is_shown_once_and_a_new_one_ends_the_old_after_a_day(db: None) -> None:
    source, token = actions.create_source(name="Prom", slug="prom", kind="alertmanager", actor="raglan")
    fresh = actions.rotate_token(source, actor="raglan")

    assert token not in str(Source.objects.values())
    assert [world.alert_queries.source_by_token(good).slug for good in (fresh, token)] == ["prom", "prom"]
    CLOCK.move(timedelta(days=1, seconds=1))
    assert world.alert_queries.source_by_token(fresh).slug == "prom"
    with pytest.raises(NotSignedIn):
        world.alert_queries.source_by_token(token)


def test_after_a_leak_the_old_token_ends_at_once(db: None) -> None:
    source, token = actions.create_source(name="Prom", slug="prom", kind="alertmanager", actor="raglan")
    actions.rotate_token(source, actor="raglan")
    actions.end_old_token(source, actor="raglan")

    with pytest.raises(NotSignedIn):
        world.alert_queries.source_by_token(token)


def test_a_source_that_is_switched_off_is_not_known(db: None) -> None:
    source, token = actions.create_source(name="Prom", slug="prom", kind="alertmanager", actor="raglan")
    actions.switch_source(source, is_on=False, actor="raglan")
    with pytest.raises(NotSignedIn):
        world.alert_queries.source_by_token(token)

    actions.switch_source(source, is_on=True, actor="raglan")
    assert world.alert_queries.source_by_token(token).slug == "prom"


def test_a_noisy_source_is_stored_and_pages_nobody(policy: Policy) -> None:
    source, token = actions.create_source(name="Prom", slug="prom", kind="alertmanager", actor="raglan")
    actions.set_noisy(source, is_noisy=True, actor="raglan")
    world.ingest(world.alert_queries.source_by_token(token), world.signal())

    assert Alert.objects.get().state == Alert.State.FIRING
    assert not Page.objects.exists()
    assert "noisy" in decision(Alert.objects.get(), "page").reason

    actions.set_noisy(source, is_noisy=False, actor="raglan")
    assert Page.objects.get().state == Page.State.TRIGGERED  # it still fires

    actions.set_noisy(source, is_noisy=True, actor="raglan")
    assert Page.objects.get().state == Page.State.RESOLVED


@pytest.mark.parametrize(("change", "field"), [({"kind": "pigeon"}, "kind"), ({"slug": "taken"}, "slug")])
def test_a_source_that_can_not_be_is_refused(db: None, change: dict[str, str], field: str) -> None:
    actions.create_source(name="Taken", slug="taken", kind="generic", actor="raglan")

    with pytest.raises(BadInput) as caught:
        actions.create_source(**{"name": "X", "slug": "x", "kind": "generic", **change}, actor="raglan")  # type: ignore[arg-type]  # texts by name

    assert caught.value.field == field
