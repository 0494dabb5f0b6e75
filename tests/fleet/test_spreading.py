"""How soon a change is everywhere is computed from run intervals; a curve has few points and loses no host."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.fleet.spreading import ahead, curve, reached_after, share_at, table


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


RUNS = st.lists(st.tuples(st.integers(1, 90_000), st.none() | st.floats(0, 400_000)), min_size=1, max_size=60)


@given(RUNS, st.floats(0.01, 1))
def test_the_runs_that_were_seen_say_when_a_share_has_run(runs: list[tuple[int, float | None]], share: float) -> None:
    found = ahead(runs)
    when, whole = found.reached_after(share), found.reached_after(1.0)
    assert when is not None
    assert whole is not None
    assert when <= whole <= timedelta(seconds=max(every for every, _ in runs) + 1)
    assert found.share_at(when.total_seconds()) >= share - 1e-6
    assert found.share_at(max(0.0, when.total_seconds() - 2)) <= share
    assert 0 < found.busiest() <= 1 + 1e-9
    assert found.busiest(200_000) >= found.busiest()


@given(st.integers(60, 7_200), st.integers(2, 200))
def test_without_stagger_all_run_at_once_and_with_it_as_if_spread_evenly(every: int, hosts: int) -> None:
    together = ahead((every, every / 3) for _ in range(hosts))
    assert together.reached_after(0.1) == together.reached_after(1.0)
    assert together.busiest() == 1
    spread, even = ahead((every, every * n / hosts) for n in range(hosts)), ahead((every, None) for _ in range(hosts))
    for share in (0.5, 1.0):
        seen, said = spread.reached_after(share), even.reached_after(share)
        assert seen is not None
        assert said is not None
        assert abs(seen - said) <= timedelta(seconds=every / hosts + 2)


def test_an_overdue_host_keeps_its_turn_and_one_without_interval_says_nothing() -> None:
    assert ahead([(600, 1_500.0), (600, 0.0), (0, 5.0)]).waits == (300.0, 600.0)
    assert ahead([(0, 5.0)]).reached_after(0.5) is None


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
