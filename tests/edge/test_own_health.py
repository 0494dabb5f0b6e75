"""raglan says whether it can page, in words."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from pydantic import SecretStr

from raglan.alerts.ports import Batch, Outcome
from raglan.config import config
from raglan.core import timers
from raglan.core.clock import now
from raglan.core.engine import Engine
from raglan.edge import health as module
from raglan.edge.answers import Scope
from raglan.edge.health import Health, is_local
from raglan.edge.journal import Journal
from tests.edge.loopback import Loopback, listening

pytestmark = pytest.mark.django_db(transaction=True)


def ingest(batches: Sequence[Batch]) -> list[Outcome]:
    """Take nothing."""
    return []


class Still(Engine):
    """An engine that says what the test wants."""

    runs = True
    last_tick = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.last_tick = time.monotonic()

    @property
    def is_running(self) -> bool:
        """As the test wants."""
        return self.runs


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it wait for its database and its engine, however slow the machine is."""
    monkeypatch.setattr(module, "LOOKS_S", 60.0)
    monkeypatch.setattr(module, "NEXT_TICK_S", 60.0)


@contextmanager
def asked(engine: Engine | None, journal: Journal | None = None, *, quiet: bool = False) -> Iterator[Loopback]:
    health = Health(engine, journal, is_quiet=lambda: quiet)
    try:
        with listening(health) as loopback:
            yield loopback
    finally:
        assert health.close(60)


def look(loopback: Loopback, path: str) -> tuple[int, dict[str, tuple[bool, str]]]:
    status, headers, text = loopback.get(path)
    assert headers["cache-control"] == "no-store"
    said = json.loads(text)
    assert said["ok"] is (status == 200)
    return status, {check["name"]: (check["ok"], check["words"]) for check in said["checks"]}


def test_alive_is_all_that_livez_says(transactional_db: None) -> None:
    with asked(None) as loopback:
        status, headers, text = loopback.get("/livez")
    assert (status, text, headers["x-content-type-options"]) == (200, b"alive\n", "nosniff")


def test_ready_when_the_database_is_up_to_date_and_the_engine_goes_round(transactional_db: None) -> None:
    engine = Still()
    with asked(engine) as loopback:
        status, checks = look(loopback, "/readyz")
        assert status == 200
        assert set(checks) == {"process", "database", "migrations", "engine"}
        engine.last_tick = time.monotonic() - 21
        status, checks = look(loopback, "/readyz")
    assert status == 503
    assert not checks["engine"][0]
    assert 21 <= float(re.findall(r"[\d.]+", checks["engine"][1])[0]) < 60


def test_an_engine_that_does_not_run_is_not_healthy(transactional_db: None) -> None:
    engine = Still()
    engine.runs = False
    with asked(engine) as loopback:
        assert look(loopback, "/healthz")[1]["engine"] == (False, "does not run")


def test_a_restored_copy_is_ready_for_people_but_not_healthy(transactional_db: None) -> None:
    with asked(Still(), quiet=True) as loopback:
        assert look(loopback, "/readyz")[0] == 200
        status, checks = look(loopback, "/healthz")
    assert status == 503
    assert "restored copy" in checks["engine"][1]


def test_a_late_timer_is_not_healthy(transactional_db: None) -> None:
    timers.schedule("core.react", subject="event:1", due_at=now() - timedelta(seconds=90))
    with asked(Still()) as loopback:
        status, checks = look(loopback, "/healthz")
    assert status == 503
    assert not checks["timers"][0]
    assert "9" in checks["timers"][1]


def test_a_full_queue_or_a_writer_that_is_gone_is_not_healthy(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(ingest, most=10)
    with asked(None, journal) as loopback:
        assert look(loopback, "/healthz")[1]["intake"] == (False, "nothing writes signals to the disk")
        journal.start()
        assert look(loopback, "/healthz")[0] == 200
        monkeypatch.setattr(Journal, "fullness", 0.81)
        status, checks = look(loopback, "/healthz")
    journal.stop(5)
    assert (status, checks["intake"][0]) == (503, False)
    assert "81%" in checks["intake"][1]


def test_the_next_whole_tick_can_be_waited_for(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(threads=1, network_threads=1)
    with asked(engine) as loopback:
        engine.start()
        before = engine.ticks
        status, checks = look(loopback, "/healthz?tick=next")
        assert (status, checks["tick"]) == (200, (True, "went round"))
        assert engine.ticks >= before + 2
        assert engine.stop(60)
        monkeypatch.setattr(module, "NEXT_TICK_S", 0.1)
        status, checks = look(loopback, "/healthz?tick=next")
    assert status == 503
    assert not checks["tick"][0]


def test_a_database_that_does_not_answer_in_time_is_said(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS_S", 0.1)
    monkeypatch.setattr(module, "_database", lambda: time.sleep(0.5))
    with asked(None) as loopback:
        status, checks = look(loopback, "/readyz")
    assert status == 503
    assert "does not answer in time" in checks["database"][1]


def test_what_the_driver_says_of_hosts_and_users_is_not_for_everybody(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("password authentication failed for user 'raglan' on db-3.inside")

    monkeypatch.setattr(module, "connection", SimpleNamespace(cursor=away))
    with asked(None) as loopback:
        status, checks = look(loopback, "/healthz")
    assert status == 503
    assert checks["database"] == (False, "does not answer (OperationalError)")


def test_metrics_are_for_this_machine_unless_a_token_is_shown(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asked(Still()) as loopback:
        status, headers, text = loopback.get("/metrics")
        assert status == 200
        assert headers["content-type"].startswith("text/plain; version=0.0.4")
        assert b"raglan_timer_lateness_seconds 0.0" in text
        far = {"x_forwarded_for": "203.0.113.9"}
        assert loopback.get("/metrics", **far)[0] == 401
        assert loopback.get("/metrics", **far, authorization="Bearer ")[0] == 401
        monkeypatch.setattr(config(), "metrics_token", SecretStr("s3cret"))
        assert loopback.get("/metrics", **far, authorization="Bearer wrong")[0] == 401
        assert loopback.get("/metrics", **far, authorization="Bearer s3cret")[0] == 200


@pytest.mark.parametrize(
    ("client", "expected"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("203.0.113.9", False), ("10.0.0.1", False)],
)
def test_this_machine_is_known_by_its_address(client: str, expected: bool) -> None:
    scope: Scope = {"client": (client, 1), "headers": []}
    assert is_local(scope) is expected
