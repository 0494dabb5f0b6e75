"""A route says how urgent its pages are; without a word of it the policy says so."""

import pytest
from django.test import Client

from raglan.alerts import actions
from raglan.alerts.models import AlertGroup, Route
from raglan.alerts.ports import SourceKey
from raglan.config import config
from raglan.core.errors import BadInput
from raglan.paging.models import Page, Policy
from raglan.people import actions as people
from raglan.testing import world

Options = actions.RouteOptions


def urgencies() -> list[str]:
    return list(Page.objects.order_by("pk").values_list("urgency", flat=True))


@pytest.mark.parametrize(("said", "expected"), [("", "high"), ("low", "low"), ("high", "high")])
def test_the_route_decides_before_the_policy(source: SourceKey, policy: Policy, said: str, expected: str) -> None:
    world.route(1, policy, options=Options(urgency=said))

    world.ingest(source, world.signal(severity="critical"))

    assert urgencies() == [expected]


def test_a_route_makes_urgent_what_its_policy_lets_wait(source: SourceKey, policy: Policy) -> None:
    Policy.objects.filter(pk=policy.pk).update(urgency="low")
    world.route(1, policy, options=Options(urgency="high"))

    world.ingest(source, world.signal(severity="info"))

    assert urgencies() == ["high"]


def test_what_joins_does_not_wake_whom_the_route_lets_sleep(source: SourceKey, policy: Policy) -> None:
    Policy.objects.filter(pk=policy.pk).update(urgency="severity")
    world.route(1, policy, group_by=["service"], options=Options(urgency="low"))
    world.ingest(source, world.signal(severity="info"))

    world.ingest(source, world.signal(alertname="Worse", severity="critical"))

    assert urgencies() == ["low"]


def test_each_route_speaks_for_its_own_policy(source: SourceKey, policy: Policy) -> None:
    other = world.policy((300, [world.person("Otto Berg")]))
    world.route(1, policy, options=Options(goes_on=True))
    world.route(2, other, options=Options(urgency="low"))

    world.ingest(source, world.signal())

    assert dict(Page.objects.values_list("policy_id", "urgency")) == {policy.pk: "high", other.pk: "low"}


def test_an_open_group_keeps_what_its_route_said(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, options=Options(urgency="low"))
    world.ingest(source, world.signal())

    world.route(1, policy, options=Options(urgency="high"))

    assert AlertGroup.objects.get().urgencies == {str(policy.pk): "low"}


def test_the_page_of_a_storm_is_as_urgent_as_its_route_says(
    source: SourceKey, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config(), "storm_groups", 2)
    world.route(1, policy, ("team", "=", "web"), options=Options(urgency="low"))
    world.route(2, policy)
    world.ingest(source, *(world.signal(alertname=f"A{number}", team="web") for number in range(5)))
    assert urgencies() == ["low"] * 3

    world.ingest(source, world.signal(alertname="Other", team="db"))

    assert urgencies() == ["low"] * 3 + ["high"]


def test_another_word_is_refused(policy: Policy) -> None:
    with pytest.raises(BadInput):
        world.route(1, policy, options=Options(urgency="medium"))


def test_it_is_set_on_the_screen_and_over_rest(source: SourceKey, policy: Policy) -> None:
    ada = world.administrator()
    browser = Client()
    browser.force_login(ada)
    secret = people.issue_token(ada, name="t", scopes=["read", "configure"], days=9, actor=ada)[1]
    head = {"Authorization": f"Bearer {secret}"}

    browser.post("/setup/routes/1/", {"policy": policy.pk, "urgency": "low", "seen_version": "1"})
    shown = browser.get("/setup/routes/1/").content.decode()
    body = {"position": 2, "policy": policy.slug, "urgency": "high"}
    made = Client().post("/api/v1/routes", body, content_type="application/json", headers=head).json()

    assert Route.objects.get(position=1).urgency == "low"
    assert "Its pages wait for daylight." in shown
    assert made["urgency"] == "high"
