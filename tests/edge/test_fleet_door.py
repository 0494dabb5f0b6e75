"""The door of the fleet over a real socket: who may send, what is understood, what is answered."""

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from django.db import OperationalError

from raglan.core.errors import BadInput, NotSignedIn
from raglan.edge import fleet as module
from raglan.edge.fleet import Fleet, place_of
from raglan.edge.journal import Journal
from raglan.fleet import intake, ports, sources
from raglan.fleet.cases import Result, Taken
from raglan.fleet.intake import Handed
from raglan.fleet.models import FleetPayload, FleetSource, Host
from raglan.fleet.ports import HostTold, Outcome, RunRequest, RunTold
from raglan.fleet.sources import FleetKey
from tests.edge.loopback import listening
from tests.fleet.reporting import NEWER, body, hash_of


class Decoder:
    """A tool that tells of one run in a line."""

    kind = "line"

    def decode(self, request: RunRequest) -> list[RunTold]:
        """Read the line."""
        if not request.body:
            raise BadInput("", "the line is empty", status=422)
        return [RunTold("line", request.path, HostTold(name=request.body.decode()), Outcome.CHANGED)]


class Store:
    """Stands for the database: keeps what it is handed, answers or raises as it is told to."""

    def __init__(self, *results: Result | Exception) -> None:
        self.results = list(results)
        self.handed: list[Handed] = []

    def take(self, batch: Sequence[Handed]) -> list[Result]:
        """Take a group."""
        self.handed.extend(batch)
        said = []
        for _ in batch:
            result = self.results.pop(0) if self.results else Taken.TAKEN
            if isinstance(result, Exception) and not isinstance(result, BadInput):
                raise result
            said.append(result)
        return said


class Door:
    """A running door."""

    def __init__(self, port: int, store: Store) -> None:
        self._port, self.store = port, store

    def send(
        self, data: bytes, path: str = "/fleet/report", *, method: str = "POST", **lines: str
    ) -> tuple[int, object]:
        """Send a body with the token of a source, unless the headers say otherwise."""
        headers = {"Authorization": "Bearer good", **{name.replace("_", "-"): value for name, value in lines.items()}}
        client = HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            client.request(method, path, data, headers)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            client.close()


def look(token: str) -> FleetKey:
    """Look a token up."""
    if token != "good":
        raise NotSignedIn(sources.UNKNOWN)
    return FleetKey(1, "web", "hosts")


@contextmanager
def opened(*results: Result | Exception, store: Store | None = None, is_short: bool = False) -> Iterator[Door]:
    kept = store or Store(*results)
    journal = Journal(kept.take, most=1_000)
    journal.start()
    door = Fleet(journal, look=look, is_short=lambda: is_short)
    try:
        with listening(door) as loopback:
            yield Door(loopback.port, kept)
    finally:
        assert journal.stop(10)
        assert door.close(10)


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is noted of payloads, and a tool that is known."""
    kept: list[tuple[str, str]] = []

    def note(source_id: int, kind: str, body: bytes, *, problem: str = "") -> None:
        kept.append((kind, problem))

    monkeypatch.setattr(sources, "note_payload", note)
    monkeypatch.setattr(module, "NOTE_EVERY_S", 0.0)
    monkeypatch.setattr(ports, "_decoders", {"line": Decoder()})
    return kept


def test_a_report_is_answered_once_it_is_stored(noted: list[tuple[str, str]]) -> None:
    with opened(Taken.TAKEN, Taken.AGAIN, Taken.NEEDS_PACKAGES) as door:
        assert door.send(body()) == (202, {"ok": True})
        status, said = door.send(gzip.compress(body()), Content_Encoding="gzip")
        assert (status, dict(said)["note"]) == (202, "this report was taken before")  # type: ignore[call-overload]  # a dict
        assert door.send(body(packages=None, packages_hash=hash_of(NEWER))) == (409, {"need": "packages"})

    first = door.store.handed[0].report
    assert first is not None
    assert (first.report.host.name, first.source) == ("web1", 1)
    assert noted == [("report", "")]


def test_runs_come_with_the_token_where_their_tool_can_put_it() -> None:
    with opened() as door:
        assert door.send(b"web1", "/fleet/runs/line")[0] == 202
        assert door.send(b"web2", "/fleet/good/runs/line/42", Authorization="")[0] == 202
        assert door.send(b"web3", "/fleet/runs/line", Authorization="", X_Data_Collector_Token="good")[0] == 202
        assert door.send(b"web4", "/fleet/runs/line", Authorization="")[0] == 401
        assert door.send(b"web4", "/fleet/runs/other")[0] == 404
        assert door.send(b"", "/fleet/runs/line") == (
            422,
            {"code": "bad_input", "message": "the line is empty", "field": ""},
        )
        assert door.send(b"", method="GET")[0] == 405

    runs = [run for handed in door.store.handed for run in handed.runs]
    assert [(run.host.name, run.key) for run in runs] == [("web1", "/"), ("web2", "/42"), ("web3", "/")]


HOSTILE = {
    "nothing": (b"", 400, ""),
    "cut": (body()[:-40], 400, ""),
    "not a report": (b"[]", 422, ""),
    "no name": (body(name=" "), 422, "host.name"),
    "a long name": (body(name="x" * 300), 422, "host.name"),
    "a slash in an id": (body(host={"machine": "a/b"}), 422, "host.machine"),
    "a list for a word": (body(host={"cluster": ["east"]}), 422, "host.cluster"),
    "not a time": (body(at=1e300), 422, "at"),
    "no number": (body(seq=-1), 422, "seq"),
    "a hash that is none": (body(packages=None, packages_hash="x" * 64), 422, "packages_hash"),
    "deep": (b'{"host":' + b"[" * 90 + b"]" * 90 + b"}", 422, "host"),
    "another version": (body(v=2), 422, "v"),
}


def test_what_can_never_be_taken_is_refused_with_a_sentence(noted: list[tuple[str, str]]) -> None:
    with opened() as door:
        for name, (data, status, field) in HOSTILE.items():
            answered, said = door.send(data)
            assert (name, answered, dict(said)["field"]) == (name, status, field)  # type: ignore[call-overload]  # a dict

    assert door.store.handed == []
    assert len([problem for _, problem in noted if problem]) == len(HOSTILE)


def test_nul_and_lone_surrogates_are_replaced() -> None:
    odd = body(host={"role": "we\x00b", "cluster": "\ud800east"})
    with opened() as door:
        assert door.send(odd)[0] == 202

    report = door.store.handed[0].report
    assert report is not None
    assert (report.report.host.role, report.report.host.cluster) == ("we�b", "�east")


def test_too_much_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY", 64 * 1024)
    with opened() as door:
        assert door.send(b" " * 70_000)[0] == 413
        assert door.send(gzip.compress(b" " * 200_000), Content_Encoding="gzip")[0] == 413
        assert door.send(gzip.compress(body())[:-9], Content_Encoding="gzip")[0] == 400
        assert door.send(body(), Content_Encoding="br")[0] == 415


def test_while_nothing_can_be_stored_the_host_keeps_its_report() -> None:
    with opened(OperationalError("away"), OperationalError("away"), BadInput("packages", "no", status=422)) as door:
        assert door.send(body())[0] == 503
        assert door.send(body())[0] == 422
    with opened(is_short=True) as door:
        assert door.send(body())[0] == 503


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/fleet/report", ("report", "", "/")),
        ("//fleet/report/", ("report", "", "/")),
        ("/fleet/t/runs/chef/data/x", ("chef", "t", "/data/x")),
        ("/fleet/runs/", None),
        ("/fleet/", None),
        ("/hosts/", None),
    ],
)
def test_addresses(path: str, told: tuple[str, str, str] | None) -> None:
    place = place_of(path)
    assert (place and (place.kind, place.token, place.rest)) == told


@pytest.mark.django_db(transaction=True)
def test_what_is_answered_with_2xx_is_in_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    source, token = sources.create_source(name="Web", slug="web", kind="hosts", actor="raglan")
    journal = Journal(intake.take, most=1_000)
    journal.start()
    door = Fleet(journal)
    try:
        with listening(door) as loopback:
            over = Door(loopback.port, Store())
            assert over.send(body(), Authorization=f"Bearer {token}")[0] == 202
            assert over.send(b"{}", Authorization=f"Bearer {token}")[0] == 422
            assert over.send(body(), Authorization="Bearer other")[0] == 401
    finally:
        assert journal.stop(10)
        assert door.close(10)

    assert Host.objects.get().name == "web1"
    kept = FleetPayload.objects.order_by("pk").values_list("kind", "problem")
    assert [(kind, bool(problem)) for kind, problem in kept] == [("report", False), ("report", True)]
    assert FleetSource.objects.get(pk=source.pk).last_error
