"""raglan sends a sign of life outside only while a test message comes back, so that silence means something."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from raglan.config import config
from raglan.core import audit, signs, timers
from raglan.core.clock import CLOCK, now
from raglan.core.errors import DeliveryError
from raglan.core.models import Timer
from raglan.edge import life
from raglan.paging import ports
from raglan.testing import world

pytestmark = pytest.mark.django_db


class Outside:
    """Somebody outside who notes each sign of life."""

    def __init__(self) -> None:
        self.beats: list[dict[str, object]] = []
        self.status = 200
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outside.beats.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outside.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ping"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)

    @contextmanager
    def listening(self) -> Iterator["Outside"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(5)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """A receiver that the options name; both timers stand."""
    with Outside().listening() as receiver:
        monkeypatch.setattr(config(), "sign_of_life_url", receiver.url)
        for kind in (life.TEST, life.BEAT):
            timers.schedule(kind, subject="raglan", due_at=now())
        yield receiver


def test_a_sign_of_life_goes_out_each_minute_and_says_how_it_is(outside: Outside) -> None:
    world.fast_forward(timedelta(minutes=5, seconds=1))

    assert 5 <= len(outside.beats) <= 6
    assert set(outside.beats[0]) == {"raglan", "at", "version", "lag_s", "audit_head", "mode"}
    assert outside.beats[0]["raglan"] == config().public_url
    assert outside.beats[0]["audit_head"] == audit.head()


def test_without_a_test_message_that_came_back_there_is_silence(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fast_forward(timedelta(minutes=3))
    before = len(outside.beats)

    def broken(self: object, address: str, message: ports.Message) -> ports.Receipt:
        raise DeliveryError("the channel is broken", permanent=False)

    with monkeypatch.context() as patch:
        patch.setattr(life.Loopback, "send", broken)
        world.fast_forward(timedelta(minutes=10))
        while_broken = len(outside.beats) - before
        said = signs.last(life.SENT)
        assert said is not None
        assert "test message" in str(said.data["why"])
    world.fast_forward(timedelta(minutes=5))

    assert while_broken <= 5  # the last one that came back counts for five minutes
    assert len(outside.beats) > before + while_broken


def test_work_that_is_a_minute_late_holds_it_back(outside: Outside) -> None:
    world.fast_forward(timedelta(minutes=3))
    timers.schedule("paging.audit", subject="late", due_at=now() - timedelta(seconds=90))

    assert "late" in life.held_back()


def test_a_receiver_that_does_not_take_it_is_told_of_and_asked_again(outside: Outside) -> None:
    outside.status = 500
    world.fast_forward(timedelta(minutes=2))

    sent = signs.last(life.SENT)

    assert sent is not None
    assert sent.data == {"ok": False, "why": "it answered 500"}
    assert len(outside.beats) >= 2


def test_a_crash_between_two_leaves_one_of_each(outside: Outside) -> None:
    due = next(due for due in timers.claim(10) if due.kind == life.BEAT)
    timers.HANDLERS[life.BEAT].function(due)  # and the process dies here
    CLOCK.move(timedelta(seconds=61))
    world.fire_all()
    world.fire_all()

    assert Timer.objects.filter(kind=life.BEAT).count() == 1


def test_the_loopback_channel_gives_back_what_it_was_given() -> None:
    message = ports.Message("a key", 0, "", "", "", "", now(), "", "", "", False, True)

    assert ports.channel("loopback").send("", message).received


def test_nothing_is_sent_when_no_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "sign_of_life_url", "")
    timers.schedule(life.BEAT, subject="raglan", due_at=now())

    world.fast_forward(timedelta(minutes=2))

    assert signs.last(life.SENT) is None
