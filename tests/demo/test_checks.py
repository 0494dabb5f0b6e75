"""The checks speak as Prometheus does, and every alert that fires comes to an end."""

from datetime import UTC, datetime
from typing import Any

import pytest

from raglan.demo.checks import LOOK_EVERY, Checks
from raglan.demo.levers import BY_SLUG, LEVERS, Lever
from raglan.demo.model import HORIZON, simulate
from raglan.demo.scene import t

Alert = dict[str, Any]


def alerts(messages: Any) -> list[Alert]:
    return [alert for sent in messages.values() for alert in sent]


def is_firing(alert: Alert) -> bool:
    return datetime.fromisoformat(alert["endsAt"]) > datetime.now(UTC)


def play(lever: Lever) -> dict[int, list[Alert]]:
    checks = Checks(simulate(lever.settings))
    return {second: alerts(checks.look(second)) for second in range(0, HORIZON + 1, LOOK_EVERY)}


def test_the_pager_starts_at_four_and_a_half_minutes() -> None:
    sent = play(BY_SLUG["as-documented"])
    first = min(second for second, found in sent.items() if found)
    assert first == t(4, 30)
    assert {alert["labels"]["alertname"] for alert in sent[first]} == {"HttpdClusterServing", "ChefRunsFailing"}


def test_a_cluster_check_carries_the_count_of_healthy_machines() -> None:
    outcome = simulate()
    for second, found in play(BY_SLUG["as-documented"]).items():
        for alert in found:
            if alert["labels"]["alertname"] == "HttpdClusterServing" and is_firing(alert):
                healthy = outcome.counts_at(second, alert["labels"]["cluster"]).serving
                assert alert["annotations"]["healthy"] == str(healthy)
                assert alert["annotations"]["description"].startswith(f"{healthy} of ")


def test_all_three_clusters_fire_and_belong_to_one_service() -> None:
    found = [alert for sent in play(BY_SLUG["as-documented"]).values() for alert in sent]
    clusters = {a["labels"]["cluster"] for a in found if a["labels"]["alertname"] == "HttpdClusterServing"}
    assert clusters == {"web", "api", "tools"}
    assert {alert["labels"]["service"] for alert in found} == {"httpd"}


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.slug)
def test_what_fires_resolves_once_all_machines_serve(lever: Lever) -> None:
    firing: set[tuple[tuple[str, str], ...]] = set()
    for found in play(lever).values():
        for alert in found:
            labels = tuple(sorted(alert["labels"].items()))
            assert is_firing(alert) or labels in firing
            firing = firing | {labels} if is_firing(alert) else firing - {labels}
    assert bool(firing) == (lever.slug == "stop-at-4")


def test_a_tool_is_lost_and_comes_back_once() -> None:
    checks = Checks(simulate())
    [lost] = alerts(checks.lose("graphite"))
    [back] = alerts(checks.get_back("graphite"))
    assert lost["labels"] == back["labels"]
    assert (is_firing(lost), is_firing(back)) == (True, False)
    assert checks.get_back("graphite") == {}


def test_ending_early_resolves_everything() -> None:
    checks = Checks(simulate())
    fired = len(alerts(checks.look(t(10)))) + len(alerts(checks.lose("runbooks")))
    ended = alerts(checks.resolve_all())
    assert len(ended) == fired > 100
    assert not [alert for alert in ended if is_firing(alert)]
    assert checks.resolve_all() == {}
