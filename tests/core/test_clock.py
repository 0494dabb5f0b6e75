from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from raglan.core import clock, engine, metrics, timeline
from raglan.core.clock import AnchoredClock


def jump(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Let somebody set the machine's clock."""

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + by

    monkeypatch.setattr(clock, "datetime", Jumped)


@pytest.mark.parametrize("hours", [-3, 3, 24 * 400])
def test_a_jump_of_the_machines_clock_moves_no_wait(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    anchored = AnchoredClock()
    before = anchored.now()

    jump(monkeypatch, timedelta(hours=hours))

    assert timedelta(0) <= anchored.now() - before < timedelta(seconds=5)
    assert abs(anchored.drift() - timedelta(hours=hours)) < timedelta(seconds=5)


def test_the_clock_never_goes_backwards() -> None:
    anchored = AnchoredClock()
    moments = [anchored.now() for _ in range(1000)]

    assert moments == sorted(moments)


def test_time_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_moving_for_a_test_is_no_drift() -> None:
    anchored = AnchoredClock()
    anchored.move(timedelta(days=2))

    assert abs(anchored.drift()) < timedelta(seconds=5)
    assert anchored.moved == timedelta(days=2)


@pytest.mark.django_db
def test_a_jump_is_counted_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = engine.Engine(threads=1, network_threads=1)
    before = metrics.clock_jumps._value.get()
    jump(monkeypatch, timedelta(hours=3))

    for _ in range(3):
        looking._notice_jump()

    assert metrics.clock_jumps._value.get() - before == 1
    told = [event.payload() for event in timeline.about("raglan:clock")]
    assert [round(event.seconds) for event in told if isinstance(event, engine.ClockJumped)] == [3 * 3600]
