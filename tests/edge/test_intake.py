"""Intake over a real socket: who may send, what is understood, and an answer only after the commit."""

import base64
import gzip
import json
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from importlib import import_module

import pytest
from django.db import DataError, OperationalError, connection

from raglan.alerts import actions, ports, queries
from raglan.alerts.models import Alert, Source
from raglan.alerts.ports import Answer, Batch, Decoded, IntakeRequest, Outcome, SourceKey
from raglan.core import bus, metrics
from raglan.core.addresses import neighbours
from raglan.core.errors import BadInput, NotSignedIn, Overloaded
from raglan.edge import body as bodies
from raglan.edge import heads
from raglan.edge import intake as module
from raglan.edge.heads import body_of, header_token, split_path, unpack
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from raglan.edge.places import Places
from tests.edge.loopback import Loopback, listening, rest_of, until

ALERT = [{"labels": {"alertname": "Down", "service": "web"}, "annotations": {"summary": "web is down"}}]
EVENT = {
    "routing_key": "pd",
    "event_action": "trigger",
    "dedup_key": "k",
    "payload": {"summary": "down", "source": "web-1", "severity": "critical"},
}
SOURCES = {
    "prom": SourceKey(1, "prom", "alertmanager"),
    "pd": SourceKey(2, "pd", "pagerduty"),
    "any": SourceKey(3, "any", "generic"),
    "cloud": SourceKey(4, "cloud", "cloudevents"),
}


@dataclass
class World:
    """A journal that writes nowhere, and a book of tokens."""

    batches: list[Batch] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    raising: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)

    def ingest(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Take a group."""
        assert self.gate.wait(60)
        if self.raising is not None:
            raise self.raising
        self.batches.extend(batches)
        return [Outcome(new=len(one.decoded.signals), parked=len(one.decoded.problems)) for one in batches]

    def look(self, token: str) -> SourceKey:
        """Look a token up."""
        self.looked_up.append(token)
        if token not in SOURCES:
            raise NotSignedIn("This token is not known here.")
        return SOURCES[token]


@dataclass
class Door:
    """A running intake."""

    loopback: Loopback
    journal: Journal
    world: World

    def post(self, path: str, body: object, *, token: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Send a body; bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            lines["Authorization"] = f"Bearer {token}"
        client = HTTPConnection("127.0.0.1", self.loopback.port, timeout=60)
        try:
            client.request("POST", path, data, lines)
            answer = client.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            client.close()


@contextmanager
def opened(world: World | None = None, *, most: int = 1_000) -> Iterator[Door]:
    known = world or World()
    if world is None:
        known.gate.set()
    journal = Journal(known.ingest, most=most)
    journal.start()
    intake = Intake(journal, look=known.look)
    try:
        with listening(intake) as loopback:
            yield Door(loopback, journal, known)
    finally:
        known.gate.set()
        assert journal.stop(60)
        assert intake.close(60)


@pytest.fixture(autouse=True)
def _nothing_is_noted(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Keep the one write beside the journal away from the database, where a test does not use it."""
    if "transactional_db" not in request.fixturenames:
        monkeypatch.setattr(actions, "note_error", lambda source_id, sentence, body: None)
        monkeypatch.setattr(actions, "note_remote", lambda source_id, remote: None)


def test_alerts_of_prometheus_are_answered_once_they_are_stored() -> None:
    with opened() as door:
        status, headers, text = door.post("/api/v2/alerts", ALERT, token="prom")
    assert (status, text) == (200, b"")
    assert headers["x-content-type-options"] == "nosniff"
    (batch,) = door.world.batches
    assert batch.source.slug == "prom"
    assert batch.decoded.signals[0].labels["service"] == "web"


@pytest.mark.parametrize(
    "authorization",
    ["Bearer prom", "bearer prom", "Token token=prom", f"Basic {base64.b64encode(b'who:prom').decode()}"],
)
def test_a_token_may_come_in_the_header(authorization: str) -> None:
    with opened() as door:
        assert door.post("/api/v2/alerts", ALERT, Authorization=authorization)[0] == 200


def test_a_token_may_come_in_the_path() -> None:
    with opened() as door:
        assert door.post("/integrations/prom/api/v2/alerts", ALERT)[0] == 200
        assert door.post("/integrations/any/", {"title": "down"})[0] == 202
        assert door.post("/integrations/any", {"title": "down"})[0] == 202


def test_a_token_may_come_in_the_body() -> None:
    with opened() as door:
        status, _, text = door.post("/v2/enqueue", EVENT)
    assert (status, json.loads(text)["dedup_key"]) == (202, "k")


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/integrations/who/api/v2/alerts", "/v2/enqueue"])
def test_an_unknown_token_is_401(path: str) -> None:
    with opened() as door:
        status, headers, _ = door.post(path, ALERT)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert door.world.batches == []


def test_a_token_of_another_kind_of_source_opens_nothing() -> None:
    with opened() as door:
        assert door.post("/api/v2/alerts", ALERT, token="pd")[0] == 401


def test_unknown_paths_and_methods_are_named() -> None:
    with opened() as door:
        assert door.post("/integrations/any/nothing/here", {})[0] == 404
        assert door.post("/v2/nothing/enqueue", {})[0] == 404
        status, headers, _ = door.loopback.get("/v2/enqueue")
        assert (status, headers["allow"]) == (405, "POST")
        told = [
            door.loopback.get(path, method)[:2]
            for method, path in (
                ("PUT", "/api/v2/alerts"),
                ("DELETE", "/api/v2/status"),
                ("GET", "/integrations/cloud/cloudevents"),
                ("DELETE", "/integrations/any/ping/n"),
            )
        ]
    assert [(status, headers["allow"]) for status, headers in told] == [
        (405, "GET, HEAD, POST"),
        (405, "GET, HEAD"),
        (405, "POST, OPTIONS"),
        (405, "GET, HEAD, POST, PUT"),
    ]


def test_cloudevents_are_welcome_to_whoever_asks_with_a_token() -> None:
    asks = {"WebHook_Request_Origin": "events.example.test", "WebHook_Request_Rate": "90"}
    with opened() as door:
        told = [
            door.loopback.get("/integrations/cloud/cloudevents", "OPTIONS", **asks),
            door.loopback.get("/integrations/-/cloudevents/", "OPTIONS", **asks, Authorization="Bearer cloud"),
        ]
        strangers = [
            door.loopback.get(f"/integrations/{token}/cloudevents", "OPTIONS", **asks) for token in ("-", "no", "any")
        ]
        other = door.loopback.get("/integrations/any/", "OPTIONS", **asks)

    for status, headers, text in told:
        assert (status, text, headers["allow"]) == (200, b"", "OPTIONS, POST")
        assert headers["webhook-allowed-origin"] == "events.example.test"
        assert headers["webhook-allowed-rate"] == "90"
    assert [status for status, _, _ in strangers] == [401, 401, 401]
    assert other[0] == 405
    assert not any(name.startswith("webhook-") for _, headers, _ in [*strangers, other] for name in headers)
    assert door.world.batches == []


def test_a_packed_event_is_unpacked_once_and_takes_one_turn_of_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacks: list[object] = []
    turns: list[object] = []
    unpack_it, guard_it = heads.unpack, module.guarded
    monkeypatch.setattr(heads, "unpack", lambda body: (unpacks.append(body), unpack_it(body))[1])
    monkeypatch.setattr(module, "guarded", lambda read: (turns.append(read), guard_it(read))[1])
    event = {"specversion": "1.0", "id": "1", "source": "/a", "type": "b.firing"}
    packed = gzip.compress(json.dumps(event).encode())
    with opened() as door:
        assert door.post("/integrations/cloud/cloudevents", packed, Content_Encoding="gzip")[0] == 202

    assert (len(unpacks), len(turns), len(door.world.batches)) == (1, 1, 1)


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "GenieKey", "Token"])
def test_a_header_of_strange_letters_is_no_token(scheme: str) -> None:
    with opened() as door:
        for method, path in (("POST", "/api/v2/alerts"), ("GET", "/api/v2/alerts"), ("POST", "/v2/enqueue")):
            plug = door.loopback.raw(
                f"{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {scheme} \xff\r\n"
                "Connection: close\r\nContent-Length: 2\r\n\r\n[]".encode("latin-1")
            )
            with plug:
                assert rest_of(plug).startswith(b"HTTP/1.1 401 ")


def test_a_token_is_looked_up_once_until_its_source_changes() -> None:
    with opened() as door:
        for _ in range(3):
            door.post("/api/v2/alerts", ALERT, token="prom")
            door.post("/api/v2/alerts", ALERT, token="guess")
        assert door.world.looked_up == ["prom", "guess"]
        bus.deliver(["incident:3"], 1)
        door.post("/api/v2/alerts", ALERT, token="prom")
        assert door.world.looked_up == ["prom", "guess"]
        bus.deliver(["source:1"], 2)
        door.post("/api/v2/alerts", ALERT, token="prom")
        assert door.world.looked_up == ["prom", "guess", "prom"]


def test_a_database_that_is_away_is_503_and_not_an_unknown_token() -> None:
    class Away(World):
        def look(self, token: str) -> SourceKey:
            raise OperationalError("no route")

    with opened(Away()) as door:
        status, headers, _ = door.post("/api/v2/alerts", ALERT, token="prom")
    assert status == 503
    assert headers["retry-after"]


def test_good_alerts_of_a_batch_are_kept_and_the_bad_one_is_named() -> None:
    with opened() as door:
        status, _, text = door.post("/api/v2/alerts", [*ALERT, {"labels": {}}], token="prom")
    assert status == 400
    assert b"[1].labels" in text
    assert len(door.world.batches[0].decoded.signals) == 1


@pytest.mark.parametrize(
    "body", [b"{", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000, b'[{"labels": 5' + b"0" * 5000 + b"}]"]
)
def test_a_body_that_is_not_understood_is_a_4xx(body: bytes) -> None:
    with opened() as door:
        assert door.post("/api/v2/alerts", body, token="prom")[0] in (400, 422)
        assert door.post("/api/v2/alerts", ALERT, token="prom")[0] == 200


def test_the_field_at_fault_is_named_in_the_manner_of_the_format() -> None:
    with opened() as door:
        bad = {**EVENT, "payload": {"summary": "down", "source": "web-1", "severity": "awful"}}
        status, _, text = door.post("/v2/enqueue", bad)
    said = json.loads(text)
    assert (status, said["status"], said["field"]) == (400, "invalid event", "payload.severity")


class Clumsy:
    """A door with mistakes."""

    kinds = ("generic",)
    raising = ""

    def takes(self, method: str, path: str) -> bool:
        """Take one path."""
        return (method, path) == ("POST", "/clumsy")

    def token(self, request: IntakeRequest) -> str:
        """Find no token."""
        return ""

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Decode, or not."""
        if self.raising == "decode":
            raise ZeroDivisionError("a bug")
        if self.raising == "refuse":
            raise BadInput("title", "is missing")
        return Decoded([])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """Answer, or not."""
        raise ZeroDivisionError("a bug")

    def refuse(self, error: BadInput) -> Answer:
        """Refuse, or not."""
        if self.raising == "refuse":
            raise ZeroDivisionError("a bug")
        return Answer(error.status, error.as_json())


@pytest.mark.parametrize(("raising", "expected"), [("decode", 400), ("refuse", 400), ("answer", 202)])
def test_mistakes_of_a_door_are_counted_and_never_a_5xx(
    raising: str, expected: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clumsy = Clumsy()
    clumsy.raising = raising
    monkeypatch.setattr(ports, "_doors", [clumsy])
    before = metrics.REGISTRY.get_sample_value("raglan_decoder_bugs_total") or 0.0
    with opened() as door:
        status, _, text = door.post("/integrations/any/clumsy", {})
    assert status == expected
    assert b"a bug" not in text
    assert metrics.REGISTRY.get_sample_value("raglan_decoder_bugs_total") == before + 1


def test_a_body_beyond_one_mebibyte_is_413_raw_and_unpacked() -> None:
    large = json.dumps([{"labels": {"a": "x" * (1 << 20)}}]).encode()
    with opened() as door:
        assert door.post("/api/v2/alerts", large, token="prom")[0] == 413
        bomb = gzip.compress(b"0" * (200 << 20), 9)
        assert len(bomb) < 1 << 20
        assert door.post("/api/v2/alerts", bomb, token="prom", Content_Encoding="gzip")[0] == 413
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)
        head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        with door.loopback.raw(head + chunks) as plug:
            assert rest_of(plug).startswith(b"HTTP/1.1 413 ")


def test_a_packed_body_is_unpacked() -> None:
    packed = gzip.compress(json.dumps(ALERT).encode())
    with opened() as door:
        assert door.post("/api/v2/alerts", packed, token="prom", Content_Encoding="gzip")[0] == 200
        assert door.post("/v2/enqueue", gzip.compress(json.dumps(EVENT).encode()), Content_Encoding="gzip")[0] == 202
        assert door.post("/api/v2/alerts", packed[:-9], token="prom", Content_Encoding="gzip")[0] == 400
        assert door.post("/api/v2/alerts", b"not packed", token="prom", Content_Encoding="gzip")[0] == 400
        assert door.post("/api/v2/alerts", packed, token="prom", Content_Encoding="br")[0] in (400, 415)


def test_parts_of_a_packed_body_are_put_together_and_bounded_together() -> None:
    assert unpack(gzip.compress(b"one") + gzip.compress(b"two")) == b"onetwo"
    with pytest.raises(BadInput, match="1 MiB"):
        unpack(gzip.compress(b"0" * 600_000) * 2)


def test_a_body_that_is_packed_in_tens_of_thousands_of_parts_costs_little() -> None:
    empty = gzip.compress(b"")
    assert unpack((empty + gzip.compress(b"ab")) * 500) == b"ab" * 500
    before = time.thread_time()
    with pytest.raises(BadInput, match="more than 1000 parts"):
        unpack(empty * ((1 << 20) // len(empty)))
    with pytest.raises(BadInput, match="more than 1000 parts"):
        unpack(empty * ((1 << 20) // len(empty)), 4 << 20)
    assert time.thread_time() - before < 2


@pytest.mark.parametrize("size", [1, 4_095, 4_096, 4_097, 100_000, 1 << 20])
def test_a_packed_body_is_whole_wherever_its_pieces_end(size: int) -> None:
    body = random.Random(size).randbytes(size)
    packed = gzip.compress(body, 0)
    assert unpack(packed) == body
    assert unpack(packed + gzip.compress(b""), 2 << 20) == body
    with pytest.raises(BadInput, match="ends too early"):
        unpack(packed[:-1])
    with pytest.raises(BadInput, match="is not gzip"):
        unpack(packed + b"x" * 20)
    if size > 1:
        with pytest.raises(BadInput, match="MiB"):
            unpack(packed, size - 1)


def test_a_full_queue_is_503_with_a_time_to_come_back() -> None:
    world = World()
    with opened(world, most=2) as door:
        threads = [
            threading.Thread(target=door.post, args=("/api/v2/alerts", ALERT), kwargs={"token": "prom"})
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        until(lambda: door.journal.fullness == 1.0)
        status, headers, _ = door.post("/api/v2/alerts", ALERT, token="prom")
        world.gate.set()
        for thread in threads:
            thread.join(60)
    assert (status, headers["retry-after"]) == (503, "2")
    assert len(world.batches) == 2


def test_what_can_not_be_stored_for_a_mistake_of_ours_is_a_plain_500(caplog: pytest.LogCaptureFixture) -> None:
    world = World(raising=DataError("value too long"))
    world.gate.set()
    with opened(world) as door:
        status, _, text = door.post("/api/v2/alerts", ALERT, token="prom")
    assert (status, json.loads(text)["code"]) == (500, "not_stored")
    assert b"too long" not in text


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.2)
    head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n["
    with opened() as door, door.loopback.raw(head) as plug:
        assert rest_of(plug).startswith(b"HTTP/1.1 408 ")


def test_many_bodies_at_once_can_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODIES_AT_ONCE", 1000)
    with opened() as door:
        head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer prom\r\nContent-Length: 900\r\n\r\n"
        first = door.loopback.raw(head)
        until(lambda: door.post("/api/v2/alerts", b"x" * 200, token="prom")[0] == 503)
        first.close()
        until(lambda: door.post("/api/v2/alerts", ALERT, token="prom")[0] == 200)


def slow(door: Door, *lines: str, method: str = "POST", path: str = "/api/v2/alerts") -> socket.socket:
    """Begin a request whose body does not come."""
    head = [f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]
    return door.loopback.raw("\r\n".join(head).encode())


def test_slow_bodies_without_a_token_leave_all_places_to_those_who_have_one() -> None:
    with opened() as door:
        plugs = [slow(door, "Transfer-Encoding: chunked") for _ in range(80)]
        plugs += [slow(door, f"Content-Length: {module.MAX_BODY}", path="/v2/enqueue") for _ in range(80)]
        until(lambda: door.post("/v2/enqueue", EVENT)[0] == 503)
        assert door.post("/api/v2/alerts", ALERT, token="prom")[0] == 200
        assert door.post("/integrations/any/", {"title": "down"})[0] == 202
        for plug in plugs:
            plug.close()
        until(lambda: door.post("/v2/enqueue", EVENT)[0] == 202)


def test_a_body_with_an_unknown_token_keeps_no_place_and_is_not_waited_for() -> None:
    with opened() as door:
        for lines in (["Authorization: Bearer guess"], ["Authorization: Basic OnBk"]):
            with slow(door, *lines, "Transfer-Encoding: chunked") as plug:
                assert plug.recv(13) == b"HTTP/1.1 401 "
        for path in ("/integrations/guess/api/v2/alerts", "/v2/alerts?apiKey=guess", "/ping/guess/backup"):
            with slow(door, "Content-Length: 100", path=path) as plug:
                assert plug.recv(13) == b"HTTP/1.1 401 "
        with slow(door, "Content-Length: 100", path="/api/v2/silences") as plug:
            assert plug.recv(13) == b"HTTP/1.1 401 "


def test_no_source_takes_the_places_of_another() -> None:
    with opened() as door:
        plugs = [slow(door, "Authorization: Bearer prom", "Transfer-Encoding: chunked") for _ in range(80)]
        until(lambda: door.post("/api/v2/alerts", ALERT, token="prom")[0] == 503)
        assert door.post("/integrations/any/", {"title": "down"})[0] == 202
        assert door.post("/v2/enqueue", EVENT)[0] == 202
        for plug in plugs:
            plug.close()
        until(lambda: door.post("/api/v2/alerts", ALERT, token="prom")[0] == 200)


def test_a_request_without_a_body_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BODIES_AT_ONCE", "NAMELESS_AT_ONCE"):
        monkeypatch.setattr(module, name, 0)
    with opened() as door:
        assert door.loopback.get("/-/healthy")[0] == 200
        assert door.loopback.get("/-/ready", method="HEAD")[0] == 200
        assert door.post("/api/v2/alerts", b"", token="prom")[0] == 400
        assert door.post("/api/v2/alerts", ALERT, token="prom")[0] == 503
        with slow(door, "Transfer-Encoding: chunked", "Content-Length: 0") as plug:
            assert plug.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 503")


def test_places_are_counted_by_whom_they_were_given_to() -> None:
    places = Places(100, share=40)
    with places.keep("a", 40), places.keep("b", 40):
        for who, size in (("a", 1), ("b", 1), ("c", 21)):
            with pytest.raises(Overloaded), places.keep(who, size):
                pass
        with places.keep("c", 20), places.keep("a", 0):
            pass
    with places.keep("a", 40):
        pass
    assert neighbours("2001:db8::1") == neighbours("2001:db8::ffff:1") != neighbours("2001:db8:0:1::1")
    assert [neighbours(text) for text in ("192.0.2.1", "", "no:address")] == ["192.0.2.1", "", "no:address"]
    assert neighbours("::ffff:192.0.2.1") == "192.0.2.1" != neighbours("::ffff:192.0.2.2")


def test_a_client_that_leaves_early_is_forgotten() -> None:
    with opened() as door:
        head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n["
        plug: socket.socket = door.loopback.raw(head)
        plug.close()
        assert door.post("/api/v2/alerts", ALERT, token="prom")[0] == 200
    assert len(door.world.batches) == 1


def test_tokens_are_read_from_path_and_header() -> None:
    assert split_path("/integrations/abc/x/y") == ("abc", "/x/y")
    assert split_path("/integrations/abc") == ("abc", "/")
    assert split_path("/api/v2/alerts") == ("", "/api/v2/alerts")
    assert header_token("Basic !!!") == ""
    assert header_token("Basic \xff") == ""
    assert header_token("Basic /w==") == ""
    assert header_token("Digest abc") == ""
    assert bodies.MEMORY == module.MAX_BODY


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_to_the_database(transactional_db: None) -> None:
    source, token = actions.create_source(name="Prom", slug="prom", kind="alertmanager", actor="raglan")
    journal = Journal(actions.ingest, most=1_000)
    journal.start()
    intake = Intake(journal, look=queries.source_by_token)
    # On SQLite a change is told inside the process; on PostgreSQL somebody has to listen.
    listener = import_module("raglan.edge.listen").Listener() if connection.vendor == "postgresql" else None
    if listener is not None:
        listener.start()
    try:
        with listening(intake) as loopback:
            door = Door(loopback, journal, World())
            assert door.post("/api/v2/alerts", ALERT, token=token)[0] == 200
            assert Alert.objects.get().labels["service"] == "web"
            assert door.post("/api/v2/alerts", b"{", token=token)[0] == 400
            assert "not JSON" in Source.objects.get(pk=source.pk).last_error
            assert Source.objects.get(pk=source.pk).last_remote == "127.0.0.1"
            fresh = actions.rotate_token(source, actor="raglan")
            assert door.post("/api/v2/alerts", ALERT, token=token)[0] == 200
            actions.end_old_token(source, actor="raglan")
            until(lambda: door.post("/api/v2/alerts", ALERT, token=token)[0] == 401)
            assert door.post("/api/v2/alerts", ALERT, token=fresh)[0] == 200
    finally:
        assert journal.stop(60)
        assert intake.close(60)
        if listener is not None:
            assert listener.stop(60)
    assert Alert.objects.get().signal_count >= 3


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_kept_of_a_refused_body_is_readable_and_without_its_token(packed: bool) -> None:
    body = b'{"routing_key": "the-token", "event_action": "explode"}'
    headers = {"content-encoding": "gzip"} if packed else {}
    sent = gzip.compress(body) if packed else body
    request = IntakeRequest("POST", "/v2/enqueue", "", headers, sent, "127.0.0.1")

    assert body_of(request, "the-token") == b'{"routing_key": "[token]", "event_action": "explode"}'


def test_a_dash_in_the_place_of_the_token_leaves_it_to_the_header() -> None:
    assert split_path("/integrations/-/nagios") == ("", "/nagios")
    assert split_path("/integrations/abc/nagios") == ("abc", "/nagios")
    assert split_path("//integrations//nagios") == ("", "/nagios")
