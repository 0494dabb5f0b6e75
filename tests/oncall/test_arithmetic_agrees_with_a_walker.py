"""The arithmetic against an evaluator that walks minute by minute, in twelve zones and around their clock changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan.oncall import resolve
from tests.oncall import naive
from tests.oncall.zones import TWELVE, clock_changes

MINUTE = timedelta(minutes=1)
LENGTHS = [timedelta(hours=n) for n in (1, 5, 8, 12)] + [timedelta(days=n) for n in (1, 2, 7, 14)]
NIGHT = st.builds(time, st.sampled_from((0, 1, 2, 3, 23)), st.sampled_from((0, 1, 15, 30, 45, 59)))
ANY_TIME = st.builds(time, st.integers(0, 23), st.integers(0, 59))
PEOPLE = st.integers(1, 4)

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def windows(draw: st.DrawFn) -> tuple[str, datetime, datetime]:
    """Draw a zone and some days around one of its clock changes."""
    zone = draw(st.sampled_from(TWELVE))
    change = draw(st.sampled_from(clock_changes(zone)))
    start = change - timedelta(minutes=draw(st.integers(0, 4 * 1440)))
    return zone, start, start + timedelta(minutes=draw(st.integers(1, 4 * 1440)))


WEEKDAYS = st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True).map(tuple)
PARTICIPANTS = st.lists(PEOPLE | st.tuples(PEOPLE, PEOPLE).filter(lambda two: two[0] != two[1]), min_size=1, max_size=4)
WINDOWS = st.lists(st.builds(resolve.Window, NIGHT | ANY_TIME, NIGHT | ANY_TIME, WEEKDAYS), max_size=2).map(tuple)


@st.composite
def rotations(draw: st.DrawFn, number: int, zone: str, start: datetime) -> resolve.Rotation:
    moment = st.integers(-3000, 3000).map(lambda minutes: start + timedelta(minutes=minutes))
    months = draw(st.sampled_from((0, 0, 0, 1, 2)))
    return resolve.Rotation(
        participants=tuple(draw(PARTICIPANTS)),
        starts_on=start.date() + timedelta(days=draw(st.integers(-9, 3) | st.integers(-70, -60))),
        handoff_time=draw(NIGHT | ANY_TIME),
        time_zone=draw(st.just(zone) | st.sampled_from(TWELVE)),
        handoff_weekday=draw(st.none() | st.integers(0, 6)),
        length=draw(st.sampled_from(LENGTHS)),
        effective_from=draw(st.none() | moment),
        id=number,
        months=months,
        weekdays=() if months else draw(st.just(()) | WEEKDAYS),
        windows=draw(st.just(()) | WINDOWS),
        active_days=draw(st.booleans()),
        ends_at=draw(st.none() | moment),
        layer=draw(st.integers(0, 1)),
        rank=draw(st.integers(0, 1)),
    )


@st.composite
def overrides(draw: st.DrawFn, number: int, start: datetime) -> resolve.Override:
    begins = start + timedelta(minutes=draw(st.integers(-500, 2000)))
    made = datetime(2000, 1, draw(st.integers(1, 3)), tzinfo=UTC)
    ends = begins + timedelta(minutes=draw(st.integers(1, 4000)))
    kind, gone, rank = draw(st.sampled_from(resolve.Kind)), draw(PEOPLE), draw(st.integers(0, 1))
    instead_of = gone if kind is resolve.Kind.REPLACE_ONE else None
    return resolve.Override(number, draw(PEOPLE), begins, ends, "", made, kind, instead_of, rank)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[resolve.Schedule, datetime, datetime]:
    zone, start, end = draw(windows())
    departed = draw(st.dictionaries(PEOPLE, st.integers(-500, 8000), max_size=3))
    schedule = resolve.Schedule(
        rotations=tuple(draw(rotations(n, zone, start)) for n in range(draw(st.integers(0, 4)))),
        overrides=tuple(draw(overrides(n, start)) for n in range(draw(st.integers(0, 5)))),
        departed={person: start + timedelta(minutes=minutes) for person, minutes in departed.items()},
    )
    return schedule, start, end


def runs_of(pieces: list[resolve.Piece]) -> list[naive.Run]:
    """Return pieces as the walker writes them: without origins, neighbours of the same people joined."""
    found: list[naive.Run] = []
    for piece in pieces:
        crew = frozenset(piece.people)
        assert len(crew) == len(piece.people)
        if found and found[-1][2] == crew:
            found[-1] = (found[-1][0], piece.ends_at, crew)
        else:
            found.append((piece.starts_at, piece.ends_at, crew))
    return found


@quick
@given(schedules())
def test_each_minute_has_the_people_whom_the_walker_finds(case: tuple[resolve.Schedule, datetime, datetime]) -> None:
    schedule, start, end = case
    assert runs_of(resolve.shifts(schedule, start, end)) == naive.runs(schedule, start, end)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules())
def test_the_walker_misses_nothing_that_it_passes_over(case: tuple[resolve.Schedule, datetime, datetime]) -> None:
    schedule, start, end = case
    assert naive.runs(schedule, start, end) == naive.runs(schedule, start, end, rests=False)


@st.composite
def crowded_days(draw: st.DrawFn) -> tuple[resolve.Schedule, datetime, datetime]:
    """Draw a day on which many overrides meet."""
    start = datetime(2026, 3, 29, tzinfo=UTC)
    hours = st.integers(-2, 26).map(lambda hour: start + timedelta(hours=hour))
    taken = []
    for number in range(draw(st.integers(2, 7))):
        low, high = sorted((draw(hours), draw(hours)))
        made = datetime(2000, 1, draw(st.integers(1, 9)), tzinfo=UTC)
        kind, gone, rank = draw(st.sampled_from(resolve.Kind)), draw(PEOPLE), draw(st.integers(0, 1))
        high = max(high, low + MINUTE)
        taken.append(resolve.Override(number, draw(PEOPLE), low, high, "", made, kind, gone, rank))
    departed = draw(st.dictionaries(PEOPLE, hours, max_size=2))
    crew = tuple(draw(st.lists(PEOPLE, max_size=3, unique=True)))
    always = resolve.Rotation((crew,), date(2026, 3, 27), time(0), "UTC")
    return resolve.Schedule((always,), tuple(taken), departed), start, start + timedelta(days=1)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(crowded_days())
def test_of_many_overrides_the_one_that_the_walker_takes_wins(
    case: tuple[resolve.Schedule, datetime, datetime],
) -> None:
    schedule, start, end = case
    assert runs_of(resolve.shifts(schedule, start, end)) == naive.runs(schedule, start, end)


def test_whoever_replaces_everybody_stands_for_those_who_stood_in_before() -> None:
    start = datetime(2026, 3, 29, tzinfo=UTC)
    day = resolve.Rotation((1,), date(2026, 3, 27), time(0), "UTC", length=timedelta(days=1))
    two_for_one, three_for_all, four_for_two = (
        resolve.Override(number, person, start, start + timedelta(days=1), "", start, kind, gone)
        for number, person, kind, gone in (
            (1, 2, resolve.Kind.REPLACE_ONE, 1),
            (2, 3, resolve.Kind.REPLACE_EVERYBODY, None),
            (3, 4, resolve.Kind.REPLACE_ONE, 2),
        )
    )
    schedule = resolve.Schedule((day,), (two_for_one, three_for_all, four_for_two))

    assert resolve.who_is_on_call(schedule, start).people == (4,)
    assert runs_of(resolve.shifts(schedule, start, start + timedelta(days=1))) == naive.runs(
        schedule, start, start + timedelta(days=1)
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules())
def test_shifts_cover_the_whole_time_once_and_gaps_are_reported(
    case: tuple[resolve.Schedule, datetime, datetime],
) -> None:
    schedule, start, end = case
    pieces = resolve.shifts(schedule, start, end)
    edges = [(piece.starts_at, piece.ends_at) for piece in pieces]
    assert edges[0][0] == start
    assert edges[-1][1] == end
    assert all(low < high for low, high in edges)
    assert all(before[1] == after[0] for before, after in pairwise(edges))
    assert all(piece.people for piece in pieces if isinstance(piece, resolve.Shift))
    assert not any(isinstance(a, resolve.Gap) and isinstance(b, resolve.Gap) for a, b in pairwise(pieces))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules(), st.floats(0, 0.999))
def test_the_answer_at_an_instant_is_that_of_the_shifts(
    case: tuple[resolve.Schedule, datetime, datetime], where: float
) -> None:
    schedule, start, end = case
    at = start + (end - start) * where
    answer = resolve.who_is_on_call(schedule, at)
    covering = [p for p in resolve.shifts(schedule, start, end) if p.starts_at <= at < p.ends_at]
    assert [piece.people for piece in covering] == [answer.people]
    following = resolve.next_after(schedule, at)
    assert (following.starts_at if following else None) == answer.until
    if following is not None:
        assert set(following.people) != set(answer.people)
        assert resolve.who_is_on_call(schedule, following.starts_at).people == following.people
        assert set(resolve.who_is_on_call(schedule, following.starts_at - MINUTE / 60).people) == set(answer.people)


@quick
@given(schedules(), schedules())
def test_changes_are_exactly_the_times_at_which_two_schedules_differ(
    one: tuple[resolve.Schedule, datetime, datetime], other: tuple[resolve.Schedule, datetime, datetime]
) -> None:
    before, start, end = one
    after = other[0]
    moves = resolve.changes(before, after, start, end)
    for step in range(40):
        at = start + (end - start) * step / 40
        old, new = resolve.who_is_on_call(before, at).people, resolve.who_is_on_call(after, at).people
        named = [(move.before, move.after) for move in moves if move.starts_at <= at < move.ends_at]
        assert [(set(a), set(b)) for a, b in named] == ([(set(old), set(new))] if set(old) != set(new) else [])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules())
def test_the_shifts_of_a_layer_never_overlap(case: tuple[resolve.Schedule, datetime, datetime]) -> None:
    schedule, start, end = case
    for layer in resolve.layers_of(schedule):
        pieces = resolve.layer_shifts(schedule, layer, start, end)
        assert (pieces[0].starts_at, pieces[-1].ends_at) == (start, end)
        assert all(before.ends_at == after.starts_at for before, after in pairwise(pieces))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(schedules(), st.data())
def test_another_layer_changes_nothing_where_it_does_not_stand_on_top(
    case: tuple[resolve.Schedule, datetime, datetime], data: st.DataObject
) -> None:
    schedule, start, end = replace(case[0], overrides=()), case[1], case[2]  # what is added by hand covers no layer
    added = replace(data.draw(rotations(99, "Europe/Berlin", start)), layer=7, rank=data.draw(st.integers(-1, 2)))
    more = replace(schedule, rotations=(*schedule.rotations, added))
    for layer in resolve.layers_of(schedule):
        assert resolve.layer_shifts(more, layer, start, end) == resolve.layer_shifts(schedule, layer, start, end)
    own = resolve.layer_shifts(more, 7, start, end)
    for move in resolve.changes(schedule, more, start, end):
        assert all(
            isinstance(p, resolve.Shift) for p in own if p.starts_at < move.ends_at and p.ends_at > move.starts_at
        )
        assert added.rank >= 0 or not move.before


@pytest.mark.parametrize("zone", TWELVE)
def test_two_years_agree_with_the_walker(zone: str) -> None:
    year = 2011 if zone == "Pacific/Apia" else 2024
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 2, 1, 1, tzinfo=UTC)
    nights = {"Australia/Lord_Howe": time(2, 15), "Africa/Cairo": time(0, 0), "America/Havana": time(0, 30)}
    handoff = nights.get(zone, time(2, 30))
    weekly = resolve.Rotation((1, 2, 3), date(year - 1, 12, 1), handoff, zone, handoff_weekday=6, id=1)
    later = datetime(year + 1, 1, 15, 12, tzinfo=UTC)
    daily = resolve.Rotation(
        (3, 1), date(year, 6, 1), handoff, zone, length=timedelta(days=1), effective_from=later, id=2
    )
    office = (resolve.Window(time(8, 30), time(17, 30), (0, 1, 2, 3, 4)),)
    days = timedelta(days=1)
    over = (
        resolve.Rotation(
            (4, (5, 6)), date(year, 1, 31), time(9), zone, months=1, windows=office, id=3, layer=1, rank=2
        ),
        resolve.Rotation(
            (6, 4),
            date(year, 2, 1),
            handoff,
            zone,
            length=days,
            windows=office,
            active_days=True,
            id=4,
            layer=2,
            rank=2,
        ),
        resolve.Rotation(
            (5, 4),
            date(year, 3, 1),
            handoff,
            zone,
            weekdays=(0, 4),
            windows=(resolve.Window(time(20), time(2, 30)),),
            ends_at=later,
            id=5,
            layer=3,
            rank=1,
        ),
    )
    schedule = resolve.Schedule((weekly, daily, *over))
    assert runs_of(resolve.shifts(schedule, start, end)) == naive.runs(schedule, start, end, timedelta(minutes=15))
