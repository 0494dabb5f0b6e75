import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.alerts import ports
from raglan.alerts.ports import Answer, Decoded, Door, IntakeRequest, Outcome, SourceKey
from raglan.core.clock import now
from raglan.core.errors import BadInput

SOURCE = SourceKey(1, "prometheus", "alertmanager")
Read = Callable[[str, object], tuple[Door, Decoded]]


@pytest.fixture
def read(payload: Callable[[str], bytes]) -> Read:
    """Bring a body through the door of a path."""

    def bring(path: str, body: object) -> tuple[Door, Decoded]:
        door = ports.door_for("POST", path)
        assert door is not None
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return door, door.decode(SOURCE, IntakeRequest("POST", path, "", {}, raw, "127.0.0.1"))

    return bring


def alert(**values: object) -> dict[str, object]:
    return {"labels": {"alertname": "HttpdDown"}, **values}


def answer(door: Door, decoded: Decoded) -> Answer:
    return door.answer(decoded, Outcome(new=len(decoded.signals), parked=len(decoded.problems)))


def test_what_prometheus_pushes_is_understood(read: Read, payload: Callable[[str], bytes]) -> None:
    door, decoded = read("/api/v2/alerts", payload("prometheus_push"))

    first = decoded.signals[0]
    assert [signal.status for signal in decoded.signals] == ["firing", "firing"]
    assert (first.title, first.severity) == ("Apache is not running on web-014", "critical")
    assert first.labels["instance"] == "web-014:9117"
    assert first.expires_at is not None
    assert (answer(door, decoded).status, answer(door, decoded).body) == (200, b"")


def test_an_end_in_the_past_resolves(read: Read) -> None:
    over = (now() - timedelta(seconds=5)).isoformat()

    _, decoded = read("/api/v2/alerts", [alert(endsAt=over)])

    assert decoded.signals[0].status == "resolved"
    assert decoded.signals[0].ends_at is not None


def test_without_an_end_an_alert_is_believed_for_five_minutes(read: Read) -> None:
    _, decoded = read("/api/v2/alerts", [alert()])

    expires_at = decoded.signals[0].expires_at
    assert expires_at is not None
    assert timedelta(minutes=4) < expires_at - now() <= timedelta(minutes=5)


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/alerts/", "/api/v1/alerts"])
def test_the_paths_of_an_alertmanager_are_taken(path: str) -> None:
    assert type(ports.door_for("POST", path)).__name__ == "ApiV2"
    assert ports.door_for("GET", path) is None


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"labels": {}}, "[1].labels"),
        ({}, "[1].labels"),
        ({"labels": {"alertname": ""}}, "[1].labels"),
        ({"labels": {"alertname": ["x"]}}, "[1].labels.alertname"),
        ({"labels": [1]}, "[1].labels"),
        (alert(annotations="x"), "[1].annotations"),
        (alert(startsAt="yesterday"), "[1].startsAt"),
        (alert(endsAt="9999-01-01T00:00:00Z"), "[1].endsAt"),
        (alert(generatorURL=7), "[1].generatorURL"),
        (None, "[1]"),
        ("text", "[1]"),
    ],
)
def test_a_bad_alert_is_named_and_the_good_ones_are_kept(read: Read, bad: object, field: str) -> None:
    door, decoded = read("/api/v2/alerts", [alert(), bad, alert()])

    said = answer(door, decoded)
    assert len(decoded.signals) == 2
    assert [problem.field for problem in decoded.problems] == [field]
    assert said.status == 400
    assert str(said.body).startswith(field)


@pytest.mark.parametrize("body", [{}, None, "x", 7, b"[", b"\xff"])
def test_what_is_no_array_is_refused(read: Read, body: object) -> None:
    with pytest.raises(BadInput) as caught:
        read("/api/v2/alerts", body)

    assert 400 <= caught.value.status < 500


def test_more_than_a_thousand_at_once_are_refused(read: Read) -> None:
    with pytest.raises(BadInput) as caught:
        read("/api/v2/alerts", [alert()] * 1001)

    assert caught.value.status == 422


def test_too_much_of_something_is_shortened_and_says_so(read: Read) -> None:
    labels = {f"label{number}": "x" for number in range(80)} | {"alertname": "y" * 9000}

    _, decoded = read("/api/v2/alerts", [{"labels": {"alertname": "y" * 9000, **labels}}])

    kept = decoded.signals[0].labels
    assert len(kept) == 65
    assert kept["raglan_labels_left_out"].startswith("17, ")
    assert "… (shortened, " in kept["alertname"]
    assert len(kept["alertname"]) == 4096


@pytest.mark.parametrize("where", ["value", "name", "more"])
def test_alerts_that_differ_only_in_what_is_cut_stay_two(read: Read, where: str) -> None:
    def labels(last: str) -> dict[str, str]:
        many = {f"label{number}": "x" for number in range(70 if where == "more" else 3)}
        return many | {"n" * 200 + last if where == "name" else "z": "v" * 5000 + (last if where != "name" else "")}

    _, decoded = read("/api/v2/alerts", [{"labels": labels("1")}, {"labels": labels("2")}])

    assert decoded.signals[0].labels != decoded.signals[1].labels


def test_an_empty_array_is_fine(read: Read) -> None:
    door, decoded = read("/api/v2/alerts", [])

    assert answer(door, decoded).status == 200


def test_a_webhook_may_bring_firing_and_resolved_alerts_together(read: Read, payload: Callable[[str], bytes]) -> None:
    door, decoded = read("/alertmanager", payload("alertmanager_webhook_mixed"))

    assert [(signal.status, signal.labels["instance"]) for signal in decoded.signals] == [
        ("firing", "web-014"),
        ("resolved", "web-015"),
    ]
    assert decoded.signals[1].ends_at is not None
    assert answer(door, decoded).status == 200


def test_a_bad_alert_in_a_webhook_is_named(read: Read) -> None:
    door, decoded = read("/alertmanager", {"alerts": [alert(status="firing"), alert(status="perhaps")]})

    assert [problem.field for problem in decoded.problems] == ["alerts[1].status"]
    assert answer(door, decoded).status == 400


@pytest.mark.parametrize(("body", "field"), [({}, "alerts"), ({"alerts": {}}, "alerts"), ([], "")])
def test_a_webhook_without_alerts_is_refused(read: Read, body: object, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        read("/alertmanager", body)

    assert caught.value.field == field


def test_a_refusal_says_what_and_where(read: Read) -> None:
    door = ports.door_for("POST", "/api/v2/alerts")
    assert door is not None

    refused = door.refuse(BadInput("x", "is wrong", status=422))

    assert refused.status == 422
    assert isinstance(refused.body, dict)
    assert refused.body["field"] == "x"
