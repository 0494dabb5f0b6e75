"""On a full disk critical alerts are taken from the reserve; all others are asked to come again."""

from collections.abc import Iterator

import pytest

from raglan.alerts import actions
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from tests.edge.loopback import listening
from tests.edge.test_intake import EVENT, Door, World

pytestmark = pytest.mark.usefixtures("_quiet")


@pytest.fixture
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "note_error", lambda source_id, sentence, body: None)
    monkeypatch.setattr(actions, "note_remote", lambda source_id, remote: None)


@pytest.fixture
def door() -> Iterator[Door]:
    world = World()
    world.gate.set()
    journal = Journal(world.ingest, most=1_000)
    journal.start()
    intake = Intake(journal, look=world.look, is_short=lambda: True)
    try:
        with listening(intake) as loopback:
            yield Door(loopback, journal, world)
    finally:
        assert journal.stop(10)
        assert intake.close(10)


def alert(name: str, severity: str) -> dict[str, dict[str, str]]:
    return {"labels": {"alertname": name, "severity": severity}, "annotations": {"summary": name}}


def titles(door: Door) -> list[str]:
    return [signal.title for batch in door.world.batches for signal in batch.decoded.signals]


def test_a_critical_alert_is_taken(door: Door) -> None:
    assert door.post("/v2/enqueue", EVENT, token="pd")[0] == 202
    assert door.post("/api/v2/alerts", [alert("Down", "critical")], token="prom")[0] == 200
    assert door.post("/api/v2/alerts", [alert("Gone", "page")], token="prom")[0] == 200

    assert titles(door) == ["down", "Down", "Gone"]


def test_others_are_told_when_to_come_again(door: Door) -> None:
    status, headers, body = door.post("/api/v2/alerts", [alert("Slow", "warning")], token="prom")

    assert (status, headers["retry-after"]) == (503, "30")
    assert b"Critical alerts only" in body
    assert titles(door) == []


def test_of_a_mixed_batch_the_critical_is_kept_and_the_whole_comes_again(door: Door) -> None:
    status, *_ = door.post("/api/v2/alerts", [alert("Slow", "warning"), alert("Down", "critical")], token="prom")

    assert status == 503
    assert titles(door) == ["Down"]


def test_what_reads_and_writes_beside_alerts_waits(door: Door) -> None:
    assert door.loopback.get("/api/v2/silences")[0] in (401, 503)
    assert door.post("/integrations/prom/api/v2/silences", {})[0] == 503
