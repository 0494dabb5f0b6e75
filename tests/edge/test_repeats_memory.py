"""What is known of open alerts is bounded, and what leads to it by alert and by mark is the same at all times."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from raglan.alerts.ports import Decoded, Standing
from raglan.edge import repeats
from raglan.edge.repeats import Repeats

AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
UNTIL = AT + timedelta(minutes=4)


@dataclass
class Seen:
    """A body of marks alone."""

    marks: Sequence[bytes]

    @property
    def expiries(self) -> Sequence[datetime]:
        """All fire as long."""
        return [UNTIL] * len(self.marks)

    def decode(self, places: Sequence[int]) -> Decoded | None:
        """Nobody asks."""


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repeats]:
    monkeypatch.setattr(repeats, "MOST", 2)
    found = Repeats(lambda beats, sources: None)
    yield found
    found.stop()


def learn(known: Repeats, source: int, mark: bytes, alert: int) -> None:
    known.learn(source, [mark], [Standing(alert, UNTIL)], since=time.monotonic())
    assert_agrees(known)


def alert_of(known: Repeats, source: int, mark: bytes) -> int | None:
    """Return which alert a message repeats."""
    _, found = known.sort(source, Seen([mark]), AT)
    return found[0][0].alert if found else None


def assert_agrees(known: Repeats) -> None:
    by_mark = {one.alert: one for marks in known._by_mark.values() for one in marks.values()}
    assert by_mark == known._known
    assert sum(len(marks) for marks in known._by_mark.values()) == len(known._known) <= repeats.MOST


def test_what_was_learned_first_goes_first_whatever_its_source(known: Repeats) -> None:
    learn(known, 1, b"a", 11)
    learn(known, 2, b"a", 21)
    learn(known, 1, b"b", 12)
    assert [alert_of(known, 1, b"a"), alert_of(known, 2, b"a"), alert_of(known, 1, b"b")] == [None, 21, 12]

    learn(known, 2, b"a", 21)  # it is the newest now
    learn(known, 2, b"b", 22)
    assert [alert_of(known, 1, b"b"), alert_of(known, 2, b"a"), alert_of(known, 2, b"b")] == [None, 21, 22]


def test_a_mark_that_moves_to_another_alert_is_a_repeat_of_that_one_when_the_first_is_closed(known: Repeats) -> None:
    learn(known, 1, b"a", 1)
    learn(known, 1, b"a", 2)
    assert alert_of(known, 1, b"a") == 2

    known.forget([1])
    assert_agrees(known)
    assert alert_of(known, 1, b"a") == 2

    known.forget([2])
    assert_agrees(known)
    assert alert_of(known, 1, b"a") is None


def test_whoever_asks_for_a_source_that_nothing_is_known_of_leaves_nothing_behind(known: Repeats) -> None:
    assert alert_of(known, 7, b"a") is None
    assert dict(known._by_mark) == {}


def test_none_of_those_that_were_closed_together_is_learned_again_whatever_goes_wrong_with_one(
    known: Repeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(alert: int) -> None:
        raise KeyError(alert)

    with monkeypatch.context() as broken:
        broken.setattr(known, "_drop", breaks)
        with pytest.raises(KeyError):
            known.forget([1, 2])
    learn(known, 1, b"a", 1)
    learn(known, 1, b"b", 2)

    assert [alert_of(known, 1, b"a"), alert_of(known, 1, b"b")] == [None, None]
