"""The model gives the numbers of the story, whatever the seed, and keeps its own rules."""

from functools import cache
from statistics import median

import pytest

from raglan.demo.levers import BY_SLUG, LEVERS, Lever
from raglan.demo.model import CLUSTERS, FLEET, HORIZON, MINUTE, Figures, Settings, State, simulate

SEEDS = range(200)
TOLD = {0: 400, 1: 384, 2: 344, 3: 301, 4: 246, 5: 206, 6: 171, 7: 142, 8: 113, 9: 84, 10: 43}
TOLD |= {11: 7, 12: 96, 13: 198, 14: 314, 15: 400, 16: 400, 20: 400}


@cache
def figures(slug: str) -> tuple[Figures, ...]:
    return tuple(simulate(BY_SLUG[slug].settings, seed=seed).figures for seed in SEEDS)


def lowest(slug: str) -> list[int]:
    return [found.lowest for found in figures(slug)]


def slow(slug: str) -> list[int]:
    return [found.minutes_slow for found in figures(slug)]


def all_serving(slug: str) -> set[int | None]:
    return {found.all_serving_minute for found in figures(slug)}


def test_the_default_seed_follows_the_told_minutes_closely() -> None:
    counted = simulate().per_minute()
    assert all(abs(counted[minute] - told) <= 8 for minute, told in TOLD.items())


def test_the_default_seed_ends_with_the_told_figures() -> None:
    assert simulate().figures == Figures(400, lowest=7, lowest_at_minute=11, minutes_slow=10, all_serving_minute=15)


def test_as_documented_seven_remain_and_all_serve_at_minute_15() -> None:
    assert set(lowest("as-documented")) == {7}
    assert all_serving("as-documented") == {15}
    assert median(slow("as-documented")) == 10
    assert set(slow("as-documented")) <= {9, 10, 11}


def test_when_nobody_acts_the_planned_run_repairs_by_minute_25() -> None:
    assert set(lowest("nobody-acts")) == {7}
    assert all_serving("nobody-acts") <= {24, 25}
    assert median(slow("nobody-acts")) == 17


def test_force_at_5_helps_the_early_half_and_breaks_the_later_one() -> None:
    assert min(lowest("force-at-5")) <= 153 <= max(lowest("force-at-5"))
    assert median(slow("force-at-5")) in (14, 15)
    assert all_serving("force-at-5") <= {22, 23}


def test_stop_at_4_holds_the_count_and_repairs_nothing() -> None:
    assert min(lowest("stop-at-4")) <= 227 <= max(lowest("stop-at-4"))
    assert all_serving("stop-at-4") == {None}


def test_with_the_seven_put_right_nothing_is_left() -> None:
    assert set(lowest("seven-put-right")) == {0}
    assert median(slow("seven-put-right")) == 10
    assert all_serving("seven-put-right") == {15}


def test_without_stagger_seven_are_left_within_a_minute() -> None:
    assert {(found.lowest, found.lowest_at_minute) for found in figures("no-stagger")} == {(7, 1)}
    assert set(slow("no-stagger")) == {13}
    assert all_serving("no-stagger") == {15}


def test_one_machine_first_means_one_machine() -> None:
    assert set(lowest("one-machine-first")) == {399}
    assert set(slow("one-machine-first")) == {0}


def test_with_a_way_back_no_machine_gets_the_new_version_after_the_decision() -> None:
    outcome = simulate(BY_SLUG["mirror-keeps-two"].settings)
    assert outcome.figures.lowest > 7
    assert outcome.figures.all_serving_minute is not None
    assert outcome.counts_at(HORIZON).new_bad == 0
    assert outcome.counts_at(HORIZON).old_good > FLEET / 2


def test_dashboards_elsewhere_is_the_same_fleet() -> None:
    assert figures("dashboards-elsewhere") == figures("as-documented")
    assert not BY_SLUG["dashboards-elsewhere"].lost_tools


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.slug)
@pytest.mark.parametrize("seed", [0, 1, 71_444])
def test_states_add_up_to_the_fleet_in_every_cluster(lever: Lever, seed: int) -> None:
    outcome = simulate(lever.settings, seed=seed)
    for second in range(0, HORIZON + 1, 97):
        counts = outcome.counts_at(second)
        assert counts.old_good + counts.new_bad + counts.new_good == FLEET
        assert counts.serving == outcome.serving_at(second)
        parts = [outcome.counts_at(second, cluster) for cluster, _ in CLUSTERS]
        assert sum(part.serving for part in parts) == counts.serving
        assert counts.busy == sum(part.busy for part in parts)


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.slug)
def test_machines_that_never_run_never_change(lever: Lever) -> None:
    settings: Settings = lever.settings
    quiet = [machine for machine in simulate(settings).machines if machine.never_runs]
    assert len(quiet) == settings.keep_old
    assert all(machine.turns == () and machine.runs == () for machine in quiet)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_runs_never_overlap_and_sleep_between(seed: int) -> None:
    for machine in simulate(Settings(force_at=None), seed=seed).machines:
        gaps = [after[0] - before[1] for before, after in zip(machine.runs, machine.runs[1:], strict=False)]
        assert all(gap == 600 for gap in gaps)
        assert all(120 <= end - start <= 200 for start, end in machine.runs)


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.slug)
def test_a_forced_run_waits_for_the_run_before(lever: Lever) -> None:
    for machine in simulate(lever.settings).machines:
        assert all(before[1] <= after[0] for before, after in zip(machine.runs, machine.runs[1:], strict=False))


def test_a_machine_breaks_before_it_is_repaired() -> None:
    for machine in simulate().machines:
        assert [turn.state for turn in machine.turns] in ([], [State.NEW_BAD, State.NEW_GOOD])


def test_the_same_seed_gives_the_same_outcome_and_another_does_not() -> None:
    assert simulate(seed=5) == simulate(seed=5)
    assert simulate(seed=5).serving != simulate(seed=6).serving


def test_every_minute_and_every_second_agree() -> None:
    outcome = simulate()
    assert outcome.per_minute() == tuple(outcome.serving_at(minute * MINUTE) for minute in range(31))
    assert outcome.serving_at(-1) == 400
    assert outcome.serving_at(HORIZON + 1) == 400
