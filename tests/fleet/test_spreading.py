"""How soon a change is everywhere is computed from run intervals; a curve has few points and loses no host."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.fleet.spreading import curve, reached_after, share_at, table


@pytest.mark.parametrize(
    ("intervals", "half", "whole"),
    [
        ({600: 400}, 300, 600),
        ({600: 300, 3600: 100}, 380, 3600),
        ({0: 50, 600: 10}, 300, 600),
    ],
)
def test_half_and_all_come_from_the_intervals(intervals: dict[int, int], half: int, whole: int) -> None:
    for share, seconds in ((0.5, half), (1.0, whole)):
        found = reached_after(intervals, share)
        assert found is not None
        assert abs(found - timedelta(seconds=seconds)) <= timedelta(seconds=2)


def test_without_any_interval_nothing_is_said() -> None:
    assert reached_after({}, 0.5) is None
    assert reached_after({0: 7}, 0.5) is None


def test_the_arithmetic_agrees_with_hosts_that_run_at_random() -> None:
    intervals, dice = {600: 3_000, 1_800: 1_000}, random.Random(7)
    runs = sorted(dice.uniform(0, every) for every, count in intervals.items() for _ in range(count))
    half = reached_after(intervals, 0.5)
    assert half is not None
    assert abs(half.total_seconds() - runs[len(runs) // 2]) < 20


@given(st.dictionaries(st.integers(1, 90_000), st.integers(1, 5_000), min_size=1, max_size=6), st.floats(0.01, 1))
def test_a_share_is_reached_when_it_is_said_and_not_much_before(intervals: dict[int, int], share: float) -> None:
    found = reached_after(intervals, share)
    assert found is not None
    assert share_at(intervals, found.total_seconds() + 0.5) >= share - 1e-9
    assert share_at(intervals, max(0.0, found.total_seconds() - 2)) <= share


COUNTS = st.dictionaries(st.integers(29_000_000, 29_010_000), st.integers(1, 500), min_size=1, max_size=60)


@given(COUNTS, st.integers(28_999_000, 29_020_000), st.integers(2, 320))
def test_a_curve_only_rises_and_ends_with_every_host(counts: dict[int, int], until: int, points: int) -> None:
    steps = curve(counts.items(), until=until, points=points)
    hosts = [step.hosts for step in steps]
    assert len(steps) <= points + 1
    assert hosts == sorted(hosts)
    assert (hosts[0], hosts[-1]) == (0, sum(counts.values()))
    few = table(steps)
    assert len(few) <= 12
    assert (few[0], few[-1]) == (steps[0], steps[-1])


def test_without_a_host_there_is_no_curve() -> None:
    assert curve([], until=29_000_000) == []
