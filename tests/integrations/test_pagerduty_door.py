import json
from collections.abc import Callable

import pytest

from raglan.alerts import ports
from raglan.alerts.ports import Decoded, Door, IntakeRequest, Outcome, SourceKey
from raglan.core.errors import BadInput

SOURCE = SourceKey(1, "pagerduty", "pagerduty")
PATH = "/v2/enqueue"


def request(body: object) -> IntakeRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return IntakeRequest("POST", PATH, "", {}, raw, "127.0.0.1")


@pytest.fixture
def door() -> Door:
    found = ports.door_for("POST", PATH)
    assert found is not None
    return found


@pytest.fixture
def trigger(payload: Callable[[str], bytes]) -> dict[str, object]:
    """A whole trigger, to be changed."""
    found: dict[str, object] = json.loads(payload("pagerduty_trigger"))
    return found


def decode(door: Door, body: object) -> Decoded:
    return door.decode(SOURCE, request(body))


def test_a_trigger_is_understood(door: Door, trigger: dict[str, object]) -> None:
    signal = decode(door, trigger).signals[0]

    assert (signal.status, signal.dedup_key, signal.severity) == ("firing", "httpd/web-014", "critical")
    assert signal.title == "Apache is not running on web-014"
    assert signal.labels["component"] == "httpd"
    assert signal.annotations["exit status"] == "1"
    assert signal.annotations["link: What to do"] == "https://wiki.example.test/httpd"
    assert signal.link == "https://runner.example.test/runs/881"
    assert signal.starts_at is not None


def test_the_answer_is_202_with_the_key(door: Door, trigger: dict[str, object]) -> None:
    answer = door.answer(decode(door, trigger), Outcome(new=1))

    assert answer.status == 202
    assert answer.body == {"status": "success", "message": "Event processed", "dedup_key": "httpd/web-014"}


def test_the_routing_key_is_the_token_and_is_not_kept(door: Door, trigger: dict[str, object]) -> None:
    assert door.token(request(trigger)) == "0123456789abcdef0123456789abcdef"
    assert "routing_key" not in str(decode(door, trigger).signals[0].raw)


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"null", b'{"routing_key": null}'])
def test_without_a_routing_key_there_is_no_token(door: Door, body: bytes) -> None:
    assert door.token(request(body)) == ""


def test_a_trigger_without_a_key_gets_one(door: Door, trigger: dict[str, object]) -> None:
    del trigger["dedup_key"]

    keys = {decode(door, trigger).extra["dedup_key"] for _ in range(2)}

    assert len(keys) == 2
    assert all(keys)


@pytest.mark.parametrize(("action", "status"), [("acknowledge", "acknowledged"), ("resolve", "resolved")])
def test_acknowledge_and_resolve_need_only_the_key(door: Door, action: str, status: str) -> None:
    decoded = decode(door, {"routing_key": "x", "event_action": action, "dedup_key": "httpd/web-014"})

    assert (decoded.signals[0].status, decoded.signals[0].dedup_key) == (status, "httpd/web-014")


BAD: list[tuple[dict[str, object], str]] = [
    ({"event_action": "explode"}, "event_action"),
    ({"event_action": None}, "event_action"),
    ({"event_action": "resolve", "dedup_key": ""}, "dedup_key"),
    ({"dedup_key": "x" * 1025}, "dedup_key"),
    ({"dedup_key": 7}, "dedup_key"),
    ({"payload": None}, "payload"),
    ({"payload": []}, "payload"),
    ({"payload": {"source": "x", "severity": "info"}}, "payload.summary"),
    ({"payload": {"summary": "x", "severity": "info"}}, "payload.source"),
    ({"payload": {"summary": "x", "source": "x"}}, "payload.severity"),
    ({"payload": {"summary": "x", "source": "x", "severity": "bad"}}, "payload.severity"),
    ({"payload": {"summary": "x", "source": "x", "severity": "info", "timestamp": "soon"}}, "payload.timestamp"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
def test_what_is_wrong_is_named(door: Door, trigger: dict[str, object], change: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode(door, {**trigger, **change})

    refused = door.refuse(caught.value)
    assert caught.value.field == field
    assert 400 <= refused.status < 500
    assert isinstance(refused.body, dict)
    assert refused.body["status"] == "invalid event"


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff\xfe"])
def test_what_is_no_object_is_refused(door: Door, body: bytes) -> None:
    with pytest.raises(BadInput):
        decode(door, body)
