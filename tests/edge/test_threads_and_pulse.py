"""Threads with a bounded line, the pulse of the database, and a stuck process that really ends."""

import asyncio
import subprocess
import sys
import threading

import pytest
from django.db import OperationalError

from raglan.core.errors import BadInput, Overloaded
from raglan.edge import pulse as module
from raglan.edge.pulse import Pulse
from raglan.edge.threads import Threads
from tests.edge.loopback import until


def waits(gate: threading.Event) -> None:
    """Hold a thread until the gate opens."""
    gate.wait(60)


def test_the_line_is_bounded_and_moves_on() -> None:
    threads, gate, done = Threads("test", 1, line=1), threading.Event(), []
    threads.give(lambda: waits(gate))
    threads.give(lambda: done.append(1))
    with pytest.raises(Overloaded):
        threads.give(lambda: done.append(2))
    gate.set()
    until(lambda: threads.taken == 0)
    threads.give(lambda: done.append(3))
    assert threads.stop(60)
    assert done == [1, 3]


def test_stopping_finishes_what_waits_and_does_not_wait_for_what_is_stuck() -> None:
    threads, gate, done = Threads("test", 1, line=5), threading.Event(), []
    threads.give(lambda: waits(gate))
    threads.give(lambda: done.append(1))
    assert threads.stop(0.05) is False
    with pytest.raises(Overloaded):
        threads.give(lambda: done.append(2))
    gate.set()
    assert threads.stop(60)
    assert done == [1]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OperationalError("no route"), Overloaded),
        (BadInput("title", "is missing"), BadInput),
        (KeyError("x"), KeyError),
    ],
)
def test_an_answer_or_its_error_comes_back_to_whoever_asked(raised: Exception, expected: type[Exception]) -> None:
    threads = Threads("test", 1, line=5)

    def fail() -> None:
        raise raised

    async def ask() -> str:
        with pytest.raises(expected):
            await threads.ask(fail)
        return await threads.ask(lambda: threading.current_thread().name)

    assert asyncio.run(ask()) == "raglan-test-0"
    assert threads.stop(60)


def test_the_pulse_knows_since_when_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    away = threading.Event()
    done = []

    class Patient(Pulse):
        def look(self) -> None:
            if away.is_set():
                raise OperationalError("no route")
            self._note(answers=True)
            self._also()

    pulse = Patient(also=lambda: done.append(1))
    before = pulse.answering_since
    pulse.start()
    until(lambda: done)
    assert pulse.answering_since == before
    away.set()
    until(lambda: pulse.answering_since is None)
    away.clear()
    until(lambda: pulse.answering_since is not None)
    pulse.stop()
    assert before is not None
    assert pulse.answering_since is not None
    assert pulse.answering_since > before


@pytest.mark.django_db(transaction=True)
def test_the_pulse_asks_the_real_database(transactional_db: None) -> None:
    done: list[int] = []
    Pulse(also=lambda: done.append(1)).look()
    assert done == [1]


STUCK = """
import time
from raglan.edge import watchdog
watchdog.LOOP_LIMIT_S, watchdog.EVERY_S = 0.3, 0.05
seen = time.monotonic()
watchdog.Watchdog(lambda: watchdog.Signs(loop=seen)).start()
time.sleep(60)
"""


def test_a_process_whose_loop_is_stuck_ends_and_says_where_it_was() -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 70
    assert "most recent call first" in ended.stderr
    assert "time.sleep" not in ended.stdout
