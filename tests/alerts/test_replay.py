"""Events of alerts are enough: told to an older copy of the state, they give the stored one.

What is counted (repeats, when a source was last heard) is not told; nor are tokens.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.alerts import actions, events
from raglan.alerts.models import Alert, AlertGroup, Route, Source
from raglan.alerts.ports import SourceKey
from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.paging.models import Policy
from raglan.testing import replay, world

ALERT = (
    *("fingerprint", "dedup_key", "source_id", "group_id", "labels", "title", "severity", "link", "state"),
    *("starts_at", "ends_at", "received_at"),
)
GROUP = (
    *("key", "title", "labels", "severity", "state", "source_id", "page_id", "opened_at", "closed_at"),
    *("alert_count", "firing_count"),
)
SOURCE = ("name", "slug", "kind", "mapping", "token_hint", "created_at")
ROUTE = ("position", "matchers", "group_by", "policy_id", "version")


def stored() -> replay.State:
    return {
        "alerts": replay.rows(Alert, ALERT),
        "groups": replay.rows(AlertGroup, GROUP),
        "sources": replay.rows(Source, SOURCE),
        "routes": replay.rows(Route, ROUTE),
    }


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    match said:
        case events.GroupOpened():
            given = said.model_dump(exclude={"group", "outcome", "page"})
            own = {"pk": said.group, "page_id": said.page}
            state["groups"][said.group] = {**replay.fresh(AlertGroup, GROUP), **given, **own}
        case events.AlertFired():
            given = said.model_dump(exclude={"alert", "group", "source"})
            own = {"pk": said.alert, "group_id": said.group}
            state["alerts"][said.alert] = {**replay.fresh(Alert, ALERT), **given, **own}
            count(state, said.group, alert_count=1, firing_count=1)
        case events.AlertResolved():
            state["alerts"][said.alert].update(state="resolved", ends_at=said.ends_at)
            count(state, said.group, firing_count=-1)
        case events.GroupClosed():
            state["groups"][said.group].update(state="closed", closed_at=said.closed_at)
        case events.SourceChanged():
            given = said.model_dump(exclude={"source", "what", "source_kind"})
            state["sources"][said.source] = {"pk": said.source, "kind": said.source_kind, **given}
        case events.RouteChanged():
            given = said.model_dump(exclude={"route", "policy"})
            state["routes"][said.route] = {"pk": said.route, "policy_id": said.policy, **given}


def count(state: replay.State, group: int, **by: int) -> None:
    row = state["groups"][group]
    for name, number in by.items():
        row[name] = int(str(row[name])) + number


def firing(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"), world.signal(instance="b"), world.signal(alertname="Other"))


def repeating(source: SourceKey) -> None:
    for _ in range(3):
        world.ingest(source, world.signal())


def resolving_one_of_two(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"), world.signal(instance="b"))
    world.ingest(source, world.signal("resolved", instance="a"))


def resolving_all(source: SourceKey) -> None:
    resolving_one_of_two(source)
    world.ingest(source, world.signal("resolved", instance="b"))


def resolving_and_firing_again_at_once(source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.ingest(source, world.signal("resolved"), world.signal())


def acknowledging(source: SourceKey) -> None:
    world.ingest(source, world.signal(), world.signal("acknowledged"))


def expiring(source: SourceKey) -> None:
    world.ingest(source, world.signal(expires_at=now() + timedelta(minutes=1)))
    CLOCK.move(timedelta(minutes=2))
    actions.expire()


def holding_back(source: SourceKey) -> None:
    Route.objects.all().delete()
    Policy.objects.update(is_fallback=False)
    world.ingest(source, world.signal())


def making_a_source(source: SourceKey) -> None:
    made, _ = actions.create_source(name="M", slug="m", kind="generic", mapping={"title": "t"}, actor="raglan")
    actions.rotate_token(made, actor="raglan")


def routing(source: SourceKey) -> None:
    policy = Policy.objects.get(slug="web")
    world.route(1, policy, ("team", "=~", "w.*"), group_by=["rack"])
    world.route(2, policy)


def forgetting(source: SourceKey) -> None:
    repeating(source)
    CLOCK.move(timedelta(days=20))
    actions.forget_old_signals()
    actions.note_error(source.id, "not understood")


ACTS = (firing, repeating, resolving_one_of_two, resolving_all, resolving_and_firing_again_at_once, acknowledging)


@pytest.mark.parametrize(
    "act",
    [*ACTS, expiring, holding_back, making_a_source, routing, forgetting],
    ids=lambda act: act.__name__,
)
def test_events_told_to_an_older_copy_give_the_stored_state(
    source: SourceKey, act: Callable[[SourceKey], object]
) -> None:
    if act is holding_back:
        Route.objects.all().delete()

    assert replay.differences(stored, tell, lambda: act(source)) == {}


def test_no_token_stands_in_an_event(source: SourceKey) -> None:
    made, first = actions.create_source(name="M", slug="m", kind="generic", actor="raglan")
    second = actions.rotate_token(made, actor="raglan")

    told = str([event.data for event in replay.events_after(0)])

    assert first not in told
    assert second not in told
