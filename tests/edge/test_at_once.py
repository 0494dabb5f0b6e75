"""A request whose body comes with its head is answered without a task of its own, and as in the ordinary way."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BufferedReader
from pathlib import Path

import pytest
from django.db import OperationalError

from raglan.alerts import actions
from raglan.alerts.models import Alert, Source
from raglan.alerts.ports import Batch, Outcome
from raglan.core import bus
from raglan.core.clock import now
from raglan.edge.at_once import INLINE
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from raglan.edge.protocol import Protocol
from raglan.edge.repeats import Repeats
from raglan.edge.spool import Spool
from raglan.testing import world
from tests.edge.loopback import listening, until

DATE = re.compile(rb"date: [^\r]*\r\n")


@dataclass
class Running:
    """An intake behind a socket, and how many of its requests got a task."""

    port: int
    token: str
    tasks: list[str]
    ingest: Callable[[Sequence[Batch]], list[Outcome]] = actions.ingest
    given: list[int] = field(default_factory=list)

    def request(self, *names: str, head: str = "", version: str = "1.1", body: bytes | None = None) -> bytes:
        """Return a push as it goes over the wire."""
        said = body if body is not None else json.dumps([firing(name) for name in names]).encode()
        path = f"/integrations/{self.token}/api/v2/alerts"
        lines = f"POST {path} HTTP/{version}\r\nHost: x\r\n{head}Content-Length: {len(said)}\r\n\r\n"
        return lines.encode() + said

    def send(self, *pieces: bytes, answers: int = 1) -> list[bytes]:
        """Send pieces over one connection, each after a pause; return the answers without their dates."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as wire:
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(0.05)  # so that it comes by itself
                wire.sendall(piece)
            with wire.makefile("rb") as told:
                return [answer_of(told) for _ in range(answers)]

    def meet(self) -> None:
        """Let the source be known as what it is, so that what follows can be taken at once."""
        assert self.send(self.request("First"))[0].startswith(b"HTTP/1.1 200")
        self.tasks.clear()


def firing(name: str) -> dict[str, object]:
    ends_at = (now() + timedelta(minutes=4)).isoformat()
    return {"labels": {"alertname": name}, "annotations": {"summary": f"{name} is down"}, "endsAt": ends_at}


def answer_of(told: BufferedReader) -> bytes:
    head = b"".join(iter(told.readline, b"\r\n"))
    said = re.search(rb"content-length: (\d+)", head)
    assert said
    return DATE.sub(b"", head) + b"\r\n" + told.read(int(said[1]))


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, *, most: int = 1_000, spool: Spool | None = None) -> Iterator[Running]:
    _, token = actions.create_source(name="P", slug="p", kind="alertmanager", actor="raglan")
    tasks: list[str] = []
    start = Protocol._start

    def noted(self: Protocol, cycle: object, app: object) -> None:
        tasks.append("task")
        start(self, cycle, app)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(Protocol, "_start", noted)
    found = Running(0, token, tasks)

    def ingest(batches: Sequence[Batch]) -> list[Outcome]:
        found.given.extend(len(batch.decoded.signals) for batch in batches)
        return found.ingest(batches)

    journal, repeats = Journal(ingest, most=most), Repeats(actions.seen_again)
    journal.start()
    intake = Intake(journal, repeats=repeats, spool=spool)
    try:
        with listening(intake) as loopback:
            found.port = loopback.port
            yield found
    finally:
        assert journal.stop(10)
        assert intake.close(10)


@pytest.fixture
def door(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    world.administrator()
    with running(monkeypatch) as found:
        found.meet()
        yield found


def ordinarily(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every request from here on have a task."""
    monkeypatch.setattr(Intake, "bytes_at_once", lambda *_: False)
    monkeypatch.setattr(Intake, "at_once", lambda *_: False)


def test_new_alerts_and_repeats_need_no_task(door: Running) -> None:
    door.given.clear()
    (new,), (again,) = door.send(door.request("A", "B")), door.send(door.request("A", "B"))

    assert new == again
    assert new.startswith(b"HTTP/1.1 200 OK\r\n")
    assert door.tasks == []
    assert Alert.objects.filter(labels__alertname__in="AB").count() == 2


@pytest.mark.parametrize("head", ["", "Connection: close\r\n", "Connection: keep-alive\r\n"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_answer_is_the_same_byte_for_byte(
    door: Running, monkeypatch: pytest.MonkeyPatch, head: str, version: str
) -> None:
    at_once = door.send(door.request("A", head=head, version=version))
    assert door.tasks == []
    ordinarily(monkeypatch)
    ordinary = door.send(door.request("B", head=head, version=version))

    assert door.tasks == ["task"]
    assert at_once == ordinary


def refusing(error: Exception) -> Callable[[Sequence[Batch]], list[Outcome]]:
    def ingest(batches: Sequence[Batch]) -> list[Outcome]:
        raise error

    return ingest


def test_what_can_not_be_stored_is_refused_in_the_same_words(door: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    door.ingest = refusing(ValueError("a mistake of ours"))
    at_once = door.send(door.request("A"))
    ordinarily(monkeypatch)

    assert at_once == door.send(door.request("A"))
    assert at_once[0].startswith(b"HTTP/1.1 500")
    assert b"not_stored" in at_once[0]


def test_a_full_queue_is_refused_in_the_same_words(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    world.administrator()
    with running(monkeypatch, most=2) as door:
        door.meet()
        at_once = door.send(door.request("A", "B", "C"))
        assert door.tasks == []
        ordinarily(monkeypatch)

        assert at_once == door.send(door.request("A", "B", "C"))
        assert at_once[0].startswith(b"HTTP/1.1 503")
        assert b"retry-after: 2" in at_once[0]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"not JSON", id="not-json"),
        pytest.param(b'[{"labels": {}}]', id="no-labels"),
        pytest.param(b'[{"labels": {"a": "\\u0000"}}]', id="nul"),
        pytest.param(b'[{"labels": {"a": "b"}, "endsAt": "2001-01-01T00:00:00Z"}]', id="over"),
    ],
)
def test_what_is_not_plain_goes_the_ordinary_way(door: Running, body: bytes) -> None:
    door.send(door.request(body=body))

    assert door.tasks == ["task"]


@pytest.mark.parametrize("head", ["Content-Encoding: gzip\r\n", "Host: y\r\n", f"X-Long: {'x' * 5_000}\r\n"])
def test_an_odd_head_goes_the_ordinary_way(door: Running, head: str) -> None:
    door.send(door.request("A", head=head))

    assert door.tasks == ["task"]


def test_a_large_body_goes_the_ordinary_way(door: Running) -> None:
    (answer,) = door.send(door.request("A", body=json.dumps([firing("A")]).encode() + b" " * INLINE))

    assert answer.startswith(b"HTTP/1.1 200")
    assert door.tasks == ["task"]


def test_a_body_in_pieces_is_waited_for_by_a_task(door: Running) -> None:
    whole = door.request("A")
    (answer,) = door.send(whole[:-10], whole[-10:])

    assert answer.startswith(b"HTTP/1.1 200")
    assert door.tasks == ["task"]
    assert Alert.objects.filter(labels__alertname="A").exists()


def test_a_stranger_is_refused(door: Running) -> None:
    door.token = "unknown"
    (answer,) = door.send(door.request("A"))

    assert answer.startswith(b"HTTP/1.1 401")
    assert not Alert.objects.filter(labels__alertname="A").exists()


def test_a_source_that_is_switched_off_is_refused_from_then_on(door: Running) -> None:
    source = Source.objects.get(slug="p")
    actions.switch_source(source, is_on=False, actor="raglan")
    bus.deliver([f"source:{source.pk}"], 0)  # on PostgreSQL it comes by a listener, which does not run here

    (answer,) = door.send(door.request("A"))
    assert answer.startswith(b"HTTP/1.1 401")


def test_two_requests_in_one_piece_are_answered_in_order(door: Running) -> None:
    bad = door.request(body=b"not JSON")
    first, second, third = door.send(door.request("A") + bad + door.request("B"), answers=3)

    assert [answer[9:12] for answer in (first, second, third)] == [b"200", b"400", b"200"]
    assert Alert.objects.filter(labels__alertname__in="AB").count() == 2


def test_many_on_one_connection_are_all_answered(door: Running) -> None:
    door.send(*[door.request(f"N{number}", f"M{number}") * 3 for number in range(4)], answers=12)

    assert Alert.objects.filter(labels__alertname__startswith="N").count() == 4


def test_a_client_that_has_left_takes_nothing_with_it(door: Running) -> None:
    goes_on, is_there = threading.Event(), threading.Event()

    def ingest(batches: Sequence[Batch]) -> list[Outcome]:
        is_there.set()
        assert goes_on.wait(60)
        return actions.ingest(batches)

    door.ingest = ingest
    with socket.create_connection(("127.0.0.1", door.port), timeout=60) as wire:
        wire.sendall(door.request("A"))
        assert is_there.wait(60)
    time.sleep(0.05)
    goes_on.set()
    until(lambda: Alert.objects.filter(labels__alertname="A").exists())

    door.ingest = actions.ingest
    (answer,) = door.send(door.request("B"))
    assert answer.startswith(b"HTTP/1.1 200")


def test_memory_for_bodies_is_given_back(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.edge.intake.SHARE", 2_000)
    world.administrator()
    with running(monkeypatch) as door:
        door.meet()
        for number in range(40):
            (answer,) = door.send(door.request(f"N{number}"))
            assert answer.startswith(b"HTTP/1.1 200")
        assert door.tasks == []


def test_what_the_database_does_not_take_goes_to_the_spool(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.administrator()
    with running(monkeypatch, spool=Spool(tmp_path, most_mb=1)) as door:
        door.meet()
        door.ingest = refusing(OperationalError("away"))
        (answer,) = door.send(door.request("A"))

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"x-raglan-stored: spool" in answer
    assert len(Spool(tmp_path, most_mb=1).first(9)) == 1


def test_a_mistake_of_ours_leads_to_the_ordinary_way(door: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> bool:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(Intake, "bytes_at_once", fails)
    monkeypatch.setattr(Intake, "at_once", fails)
    (answer,) = door.send(door.request("A"))

    assert answer.startswith(b"HTTP/1.1 200")
    assert door.tasks == ["task"]
