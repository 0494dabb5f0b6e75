import hashlib
import hmac
import json
from collections.abc import Callable

import pytest

from raglan.alerts import actions, ports
from raglan.alerts.ports import Decoded, IntakeRequest, SourceKey
from raglan.core.errors import BadInput

MAPPING: dict[str, object] = {
    "title": "check.name",
    "key": "check.id",
    "status": "check.state",
    "resolved_values": ["UP"],
    "severity": "priority",
    "link": "event.url",
    "description": "event.items.0.text",
    "labels": {"service": "check.name", "first tag": "check.tags.0", "missing": "check.owner"},
}


def decode(body: object, mapping: dict[str, object] | None = None) -> Decoded:
    door = ports.door_for("POST", "/")
    assert door is not None
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    source = SourceKey(1, "monitor", "generic", mapping or {})
    return door.decode(source, IntakeRequest("POST", "/", "", {}, raw, "127.0.0.1"))


def test_a_mapping_says_where_each_field_stands(payload: Callable[[str], bytes]) -> None:
    signal = decode(payload("generic_monitor"), MAPPING).signals[0]

    assert (signal.title, signal.dedup_key, signal.severity) == ("Login page", "4711", "2")
    assert signal.labels == {"service": "Login page", "first tag": "web"}
    assert signal.annotations == {"description": "Answered 503 from Frankfurt"}
    assert (signal.link, signal.status) == ("https://monitor.example.test/4711", "firing")


def test_the_mapping_says_which_words_mean_over(payload: Callable[[str], bytes]) -> None:
    body = payload("generic_monitor").replace(b"DOWN", b"up")

    assert decode(body, MAPPING).signals[0].status == "resolved"


def test_without_a_mapping_the_usual_names_are_used() -> None:
    body = {"title": "Disk", "status": "ok", "key": "d1", "severity": "info", "labels": {"host": "db-1", "size": 7}}

    signal = decode(body).signals[0]

    assert (signal.title, signal.status, signal.dedup_key, signal.severity) == ("Disk", "resolved", "d1", "info")
    assert signal.labels == {"host": "db-1", "size": "7"}


def test_an_array_brings_several() -> None:
    assert [signal.title for signal in decode([{"title": "a"}, {"title": "b"}]).signals] == ["a", "b"]


def test_a_bad_one_of_several_is_named_and_the_good_ones_are_kept() -> None:
    decoded = decode([{"title": "a"}, {"name": "b"}, "c", {"title": "d"}])

    assert [signal.title for signal in decoded.signals] == ["a", "d"]
    assert [problem.field for problem in decoded.problems] == ["[1].title", "[2]"]


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": {"x": 1}}, {"title": None}])
def test_without_a_title_it_is_refused_and_the_path_is_named(body: object) -> None:
    with pytest.raises(BadInput) as caught:
        decode(body)

    assert caught.value.field == "title"


@pytest.mark.parametrize("body", [b"", b"null", b"7", b"{", b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        decode(body)


@pytest.mark.parametrize(
    "path", ["check.name.more", "check.tags.99", "check.tags.x", "", ".", "check..name", "a" * 9000]
)
def test_a_path_that_leads_nowhere_finds_nothing(payload: Callable[[str], bytes], path: str) -> None:
    signal = decode(payload("generic_monitor"), {**MAPPING, "severity": path}).signals[0]

    assert signal.severity == "unknown"


def test_more_than_a_thousand_at_once_are_refused() -> None:
    with pytest.raises(BadInput) as caught:
        decode([{"title": "a"}] * 1001)

    assert caught.value.status == 422


def test_a_path_may_name_several_places_and_words_that_are_meant() -> None:
    mapping: dict[str, object] = {"title": "event.title | event.name", "severity": 'event.level|"warning"'}

    signal = decode({"event": {"name": "Disk"}}, mapping).signals[0]
    assert (signal.title, signal.severity) == ("Disk", "warning")
    signal = decode({"event": {"title": "Full", "name": "Disk", "level": "high"}}, mapping).signals[0]
    assert (signal.title, signal.severity) == ("Full", "high")


def test_with_a_secret_the_body_must_be_signed() -> None:
    door = ports.door_for("POST", "/")
    assert door is not None
    source, body = SourceKey(1, "monitor", "generic", {}, "of the source"), b'{"title": "Disk"}'
    right = hmac.new(b"of the source", body, hashlib.sha256).hexdigest()
    for name, value in (("x-hub-signature-256", f"sha256={right}"), ("x-signature", right.upper())):
        request = IntakeRequest("POST", "/", "", {name: value}, body, "127.0.0.1")
        assert door.decode(source, request).signals[0].title == "Disk"
    for headers in ({}, {"x-signature": "sha256="}, {"x-signature": right[:-1] + "x"}):
        with pytest.raises(BadInput) as caught:
            door.decode(source, IntakeRequest("POST", "/", "", headers, body, "127.0.0.1"))
        assert caught.value.status == 401


KUMA: dict[str, object] = {
    "title": "monitor.name | msg",
    "key": "monitor.id",
    "status": "heartbeat.status",
    "resolved_values": ["1"],
    "description": "msg",
}


def test_the_mapping_of_the_docs_reads_uptime_kuma() -> None:
    body = {"heartbeat": {"monitorID": 3, "status": 0}, "monitor": {"id": 3, "name": "Shop"}, "msg": "[Shop] Down"}
    down = decode(body, KUMA).signals[0]
    up = decode({**body, "heartbeat": {"monitorID": 3, "status": 1}}, KUMA).signals[0]
    tested = decode({"heartbeat": None, "monitor": None, "msg": "Testing"}, KUMA).signals[0]

    assert (down.title, down.dedup_key, down.status) == ("Shop", "3", "firing")
    assert (up.dedup_key, up.status) == ("3", "resolved")
    assert (tested.title, tested.status) == ("Testing", "firing")


def test_the_mapping_of_the_docs_reads_victorops_format() -> None:
    mapping: dict[str, object] = {
        "title": "entity_display_name | entity_id",
        "key": "entity_id",
        "status": "message_type",
        "resolved_values": ["recovery"],
        "severity": "message_type",
    }
    body = {"entity_id": "db1/disk", "message_type": "CRITICAL", "state_message": "95 %"}

    assert decode(body, mapping).signals[0].severity == "CRITICAL"
    assert decode({**body, "message_type": "RECOVERY"}, mapping).signals[0].status == "resolved"


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"titel": "event.name"}, "mapping.titel"),
        ({"title": 5}, "mapping.title"),
        ({"resolved_values": "fine"}, "mapping.resolved_values"),
        ({"resolved_values": [["fine"]]}, "mapping.resolved_values"),
        ({"labels": ["a"]}, "mapping.labels"),
        ({"labels": {"a": 5}}, "mapping.labels"),
    ],
)
def test_a_mapping_that_nothing_is_read_by_is_refused(db: None, mapping: dict[str, object], field: str) -> None:
    source, _ = actions.create_source(name="Monitor", slug="monitor", kind="generic", mapping=MAPPING, actor="raglan")
    with pytest.raises(BadInput) as refused:
        actions.save_mapping(source, mapping, actor="raglan")
    with pytest.raises(BadInput) as not_made:
        actions.create_source(name="Other", slug="other", kind="generic", mapping=mapping, actor="raglan")

    assert (refused.value.field, not_made.value.field) == (field, field)
    source.refresh_from_db()
    assert source.mapping == MAPPING
