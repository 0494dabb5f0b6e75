"""From the bytes of a request through its door into the database."""

import json
from datetime import timedelta

import pytest

from raglan.alerts import actions, ports
from raglan.alerts.models import Alert, Signal, Source
from raglan.alerts.ports import Answer, Batch, IntakeRequest, SourceKey
from raglan.core.clock import CLOCK, now
from raglan.core.faults import Crash, crash_at
from raglan.core.models import Event
from raglan.paging.models import Page, Policy
from raglan.testing import world


def send(source: SourceKey, path: str, body: object) -> Answer:
    """Do what the edge does with a request."""
    door = ports.door_for("POST", path)
    assert door is not None
    decoded = door.decode(source, IntakeRequest("POST", path, "", {}, json.dumps(body).encode(), "127.0.0.1"))
    return door.answer(decoded, actions.ingest([Batch(source, decoded, now())])[0])


def pushed(instance: str = "web-014", **values: object) -> dict[str, object]:
    return {"labels": {"alertname": "HttpdDown", "instance": instance}, **values}


def test_a_batch_with_a_bad_one_keeps_the_good_and_parks_the_bad(source: SourceKey) -> None:
    answer = send(source, "/api/v2/alerts", [pushed("a"), {"labels": {}}, pushed("b")])

    parked = Signal.objects.get(status="parked")
    assert answer.status == 400
    assert Alert.objects.count() == 2
    assert parked.raw == {"body": {"labels": {}}}
    assert "[1].labels" in parked.problem


def test_the_owner_of_a_source_sees_what_could_not_be_understood(source: SourceKey) -> None:
    send(source, "/api/v2/alerts", [{"labels": {}}])

    kept = Source.objects.get(pk=source.id)
    assert kept.last_error.startswith("[0].labels")
    assert Event.objects.filter(kind="signal.parked").count() == 1


def test_prometheus_fires_repeats_and_resolves(source: SourceKey, outbox: world.Outbox) -> None:
    ends = (now() + timedelta(minutes=4)).isoformat()
    send(source, "/api/v2/alerts", [pushed(endsAt=ends)])
    CLOCK.move(timedelta(minutes=1))
    send(source, "/api/v2/alerts", [pushed(endsAt=(now() + timedelta(minutes=4)).isoformat())])
    world.fire_all()

    send(source, "/api/v2/alerts", [pushed(endsAt=now().isoformat())])

    alert = Alert.objects.get()
    assert (alert.state, alert.signal_count, len(outbox.sent)) == (Alert.State.RESOLVED, 3, 1)
    assert Page.objects.get().state == Page.State.RESOLVED


def test_a_webhook_resolves_what_it_fired(policy: Policy) -> None:
    source = world.source("webhook")
    for status in ("firing", "resolved"):
        send(source, "/alertmanager", {"alerts": [pushed(status=status)]})

    assert Alert.objects.get().state == Alert.State.RESOLVED


@pytest.fixture
def pagerduty(policy: Policy) -> SourceKey:
    return world.source("pagerduty")


def event(action: str, key: str = "disk") -> dict[str, object]:
    payload = {"summary": "Disk is full", "source": "db-1", "severity": "critical"}
    return {"routing_key": "x", "event_action": action, "dedup_key": key} | (
        {"payload": payload} if action == "trigger" else {}
    )


def test_pagerduty_triggers_acknowledges_and_resolves(pagerduty: SourceKey, outbox: world.Outbox) -> None:
    states = []
    for action in ("trigger", "acknowledge", "resolve"):
        assert send(pagerduty, "/v2/enqueue", event(action)).status == 202
        world.fire_all()
        states.append((Alert.objects.get().state, Page.objects.get().state))

    assert states == [("firing", "triggered"), ("firing", "acknowledged"), ("resolved", "resolved")]


def test_an_acknowledge_by_the_source_stops_the_escalation(pagerduty: SourceKey, outbox: world.Outbox) -> None:
    send(pagerduty, "/v2/enqueue", event("trigger"))
    send(pagerduty, "/v2/enqueue", event("acknowledge"))
    world.fast_forward(timedelta(hours=1))

    taken = Event.objects.get(kind="page.acknowledged")
    assert outbox.sent == []
    assert (taken.data["via"], taken.data["person"], taken.actor) == ("source", None, f"source:{pagerduty.id}")


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_pagerduty_words_about_something_unknown_are_taken_and_change_nothing(
    pagerduty: SourceKey, action: str
) -> None:
    assert send(pagerduty, "/v2/enqueue", event(action, "other")).status == 202

    assert not Alert.objects.exists()
    assert Signal.objects.get().problem


def test_any_json_goes_through_its_mapping(policy: Policy) -> None:
    source = world.source("generic", mapping={"title": "what", "key": "id", "status": "is"})

    answers = [send(source, "/", {"what": "Login page", "id": 7, "is": word}) for word in ("down", "down", "ok")]

    assert [answer.body for answer in answers] == [
        {"new": 1, "repeated": 0, "resolved": 0},
        {"new": 0, "repeated": 1, "resolved": 0},
        {"new": 0, "repeated": 0, "resolved": 1},
    ]


def test_several_requests_are_taken_in_together_or_not_at_all(source: SourceKey) -> None:
    door = ports.door_for("POST", "/api/v2/alerts")
    assert door is not None
    request = IntakeRequest("POST", "/api/v2/alerts", "", {}, json.dumps([pushed()]).encode(), "127.0.0.1")
    batch = Batch(source, door.decode(source, request), now())

    with crash_at(1, name="ingest.before_commit"), pytest.raises(Crash):
        actions.ingest([batch, batch])
    assert (Alert.objects.count(), Page.objects.count(), Event.objects.filter(kind="alerts.fired").count()) == (0, 0, 0)

    outcomes = actions.ingest([batch, batch])
    assert [(outcome.new, outcome.repeated) for outcome in outcomes] == [(1, 0), (0, 1)]


def test_a_sender_that_heard_503_after_all_was_stored_may_send_again(source: SourceKey, outbox: world.Outbox) -> None:
    for _ in range(2):
        send(source, "/api/v2/alerts", [pushed()])
    world.fire_all()

    assert (Alert.objects.count(), Page.objects.count(), len(outbox.sent)) == (1, 1, 1)


def test_many_alerts_of_one_kind_are_one_page_and_a_lone_one_of_another_is_not_hidden(
    source: SourceKey, outbox: world.Outbox
) -> None:
    storm = [world.signal(instance=f"web-{number:03}") for number in range(300)]
    lone = world.signal(alertname="DatabaseDown", instance="db-1")

    world.ingest(source, *storm[:150], lone, *storm[150:])
    world.fire_all()

    assert Alert.objects.count() == 301
    assert sorted(item.message.title for item in outbox.sent) == ["DatabaseDown", "HttpdDown"]
