"""Threads that meet at the desk of one receiver: one sends for all, each message once, and nobody waits for long."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from raglan.core import timers
from raglan.core.clock import now
from raglan.paging import desk

Sent = list[list[int]]


def due(number: int) -> timers.Due:
    return timers.Due(number, "paging.deliver", f"notification:{number}", now(), 1, {})


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However busy the machine is, those who wait have patience."""
    monkeypatch.setattr(desk, "PATIENCE_S", 30.0)
    yield
    assert desk._desks == {}


def come(lane: str, numbers: Sequence[int], sent: Sent, hold: threading.Event | None = None) -> threading.Thread:
    """Come to the desk on a thread of its own; stay at it until `hold` is set."""

    def run() -> None:
        with desk.turn(lane, [due(number) for number in numbers]) as (taken, _):
            if taken:
                sent.append([one.id for one in taken])
                if hold is not None:
                    hold.wait(30)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for(condition: object, what: str) -> None:
    for _ in range(3_000):
        if callable(condition) and condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError(what)


def waiting(lane: str) -> int:
    return len(desk._desks[lane].waiting) if lane in desk._desks else 0


def test_the_next_in_turn_sends_for_all_who_wait() -> None:
    hold, sent = threading.Event(), Sent()
    first = come("hooks", [1, 2], sent, hold)
    wait_for(lambda: sent, "the first has its turn")
    others = []
    for number in (3, 4, 5):
        others.append(come("hooks", [number], sent))
        wait_for(lambda: waiting("hooks") == len(others), "it waits")
    assert sent == [[1, 2]]
    hold.set()
    for thread in (first, *others):
        thread.join(30)

    assert sent[0] == [1, 2]
    assert sorted(sent[1]) == [3, 4, 5]
    assert len(sent) == 2


def test_one_takes_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MOST", 3)
    hold, sent = threading.Event(), Sent()
    first = come("hooks", [1], sent, hold)
    wait_for(lambda: sent, "the first has its turn")
    others = [come("hooks", numbers, sent) for numbers in ([2, 3], [4, 5], [6, 7, 8, 9])]
    wait_for(lambda: waiting("hooks") == 3, "they wait")
    hold.set()
    for thread in (first, *others):
        thread.join(30)

    assert sorted(sent) == [[1], [2, 3], [4, 5], [6, 7, 8, 9]]


def test_a_turn_that_ended_early_lets_the_next_begin() -> None:
    sent = Sent()
    with desk.turn("hooks", [due(1)]) as (taken, end):
        assert [one.id for one in taken] == [1]
        end()
        come("hooks", [2], sent).join(30)

    assert sent == [[2]]


def test_receivers_do_not_wait_for_each_other() -> None:
    hold, sent = threading.Event(), Sent()
    first = come("slow", [1], sent, hold)
    wait_for(lambda: sent, "the first has its turn")

    come("quick", [2], sent).join(30)

    assert sent == [[1], [2]]
    hold.set()
    first.join(30)


def test_where_the_sender_hangs_the_others_meet_at_a_new_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    hold, held, sent = threading.Event(), threading.Event(), Sent()
    first = come("hooks", [1], sent, hold)
    wait_for(lambda: sent, "the first has its turn")
    left = come("hooks", [2], sent, held)
    wait_for(lambda: waiting("hooks") == 1, "it waits")
    monkeypatch.setattr(desk, "PATIENCE_S", 0.01)
    impatient = come("hooks", [3], sent)
    impatient.join(30)
    assert sent == [[1], [3]]  # its own, and not what another waits with

    come("hooks", [4], sent).join(30)  # at the new desk, at once

    assert sent == [[1], [3], [4]]
    hold.set()
    held.set()
    for thread in (first, left):
        thread.join(30)
    assert sent == [[1], [3], [4], [2]]


def test_what_breaks_ends_its_turn() -> None:
    sent = Sent()
    with pytest.raises(RuntimeError), desk.turn("hooks", [due(1)]):
        raise RuntimeError("a fault of our own")

    come("hooks", [2], sent).join(30)

    assert sent == [[2]]
