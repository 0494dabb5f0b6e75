"""A process that is stuck ends itself; one that was only held does not."""

from dataclasses import replace

import pytest

from raglan.edge.watchdog import STUCK, Signs, Watchdog, complaint

AT = 1_000.0
WELL = Signs(loop=AT, tick=AT, database_since=0.0)


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (WELL, ""),
        (replace(WELL, loop=AT - 19), ""),
        (replace(WELL, loop=AT - 21), "the event loop does not answer"),
        (replace(WELL, tick=AT - 59), ""),
        (replace(WELL, tick=AT - 61), "the engine does not go round"),
        (replace(WELL, tick=None), ""),
        (replace(WELL, writer_lives=False), "the journal has no writer"),
    ],
)
def test_what_counts_as_stuck(signs: Signs, words: str) -> None:
    assert complaint(signs, AT, awake_since=0.0) == words


@pytest.mark.parametrize("database_since", [None, AT - 30])
def test_a_tick_is_not_missed_while_the_database_is_away_or_just_back(database_since: float | None) -> None:
    signs = replace(WELL, tick=AT - 600, database_since=database_since)
    assert complaint(signs, AT, awake_since=0.0) == ""


def test_a_process_that_was_held_gets_its_full_time_again() -> None:
    signs = replace(WELL, loop=AT - 600, tick=AT - 600)
    assert complaint(signs, AT, awake_since=AT - 5) == ""
    assert complaint(signs, AT + 16, awake_since=AT - 5) == "the event loop does not answer"


def test_a_stuck_process_ends_with_seventy() -> None:
    codes: list[int] = []
    Watchdog(lambda: replace(WELL, loop=0.0), end=codes.append).look(AT, 0.0)
    assert codes == [STUCK] == [70]


def test_an_ending_that_takes_too_long_is_cut_short_and_a_slow_one_is_not_called_stuck() -> None:
    codes: list[int] = []
    watchdog = Watchdog(lambda: replace(WELL, loop=0.0), end=codes.append)
    watchdog.end_by(AT + 1)
    watchdog.look(AT, 0.0)
    assert codes == []
    watchdog.look(AT + 2, 0.0)
    assert codes == [1]
