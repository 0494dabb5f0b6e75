"""The arithmetic against an evaluator that walks minute by minute, in twelve zones and around their clock changes."""

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
    return zone, start, start + timedelta(minutes=draw(st.integers(1, 6 * 1440)))


@st.composite
def rotations(draw: st.DrawFn, number: int, zone: str, start: datetime) -> resolve.Rotation:
    moment = st.integers(-3000, 3000).map(lambda minutes: start + timedelta(minutes=minutes))
    return resolve.Rotation(
        participants=tuple(draw(st.lists(PEOPLE, min_size=1, max_size=4))),
        starts_on=start.date() + timedelta(days=draw(st.integers(-9, 3))),
        handoff_time=draw(NIGHT | ANY_TIME),
        time_zone=draw(st.just(zone) | st.sampled_from(TWELVE)),
        handoff_weekday=draw(st.none() | st.integers(0, 6)),
        length=draw(st.sampled_from(LENGTHS)),
        effective_from=draw(st.none() | moment),
        id=number,
    )


@st.composite
def overrides(draw: st.DrawFn, number: int, start: datetime) -> resolve.Override:
    begins = start + timedelta(minutes=draw(st.integers(-500, 2000)))
    made = datetime(2000, 1, draw(st.integers(1, 3)), tzinfo=UTC)
    length = timedelta(minutes=draw(st.integers(1, 4000)))
    return resolve.Override(number, draw(PEOPLE), begins, begins + length, "", made)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[resolve.Schedule, datetime, datetime]:
    zone, start, end = draw(windows())
    departed = draw(st.dictionaries(PEOPLE, st.integers(-500, 8000), max_size=1))
    schedule = resolve.Schedule(
        rotations=tuple(draw(rotations(n, zone, start)) for n in range(draw(st.integers(0, 2)))),
        overrides=tuple(draw(overrides(n, start)) for n in range(draw(st.integers(0, 4)))),
        departed={person: start + timedelta(minutes=minutes) for person, minutes in departed.items()},
    )
    return schedule, start, end


def runs_of(pieces: list[resolve.Piece]) -> list[naive.Run]:
    """Return pieces as the walker writes them: without origins, neighbours of one person joined."""
    found: list[naive.Run] = []
    for piece in pieces:
        person = piece.people[0] if piece.people else None
        if found and found[-1][2] == person:
            found[-1] = (found[-1][0], piece.ends_at, person)
        else:
            found.append((piece.starts_at, piece.ends_at, person))
    return found


@quick
@given(schedules())
def test_each_minute_has_the_person_whom_the_walker_finds(case: tuple[resolve.Schedule, datetime, datetime]) -> None:
    schedule, start, end = case
    assert runs_of(resolve.shifts(schedule, start, end)) == naive.runs(schedule, start, end)


@st.composite
def crowded_days(draw: st.DrawFn) -> tuple[resolve.Schedule, datetime, datetime]:
    """Draw a day on which many overrides meet."""
    start = datetime(2026, 3, 29, tzinfo=UTC)
    hours = st.integers(-2, 26).map(lambda hour: start + timedelta(hours=hour))
    taken = []
    for number in range(draw(st.integers(2, 7))):
        low, high = sorted((draw(hours), draw(hours)))
        made = datetime(2000, 1, draw(st.integers(1, 9)), tzinfo=UTC)
        taken.append(resolve.Override(number, draw(PEOPLE), low, max(high, low + MINUTE), "", made))
    departed = draw(st.dictionaries(PEOPLE, hours, max_size=2))
    return resolve.Schedule((), tuple(taken), departed), start, start + timedelta(days=1)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(crowded_days())
def test_of_many_overrides_the_one_that_the_walker_takes_wins(
    case: tuple[resolve.Schedule, datetime, datetime],
) -> None:
    schedule, start, end = case
    assert runs_of(resolve.shifts(schedule, start, end)) == naive.runs(schedule, start, end)


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
        assert following.people != answer.people
        assert resolve.who_is_on_call(schedule, following.starts_at).people == following.people
        assert resolve.who_is_on_call(schedule, following.starts_at - MINUTE / 60).people == answer.people


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
        assert named == ([(old, new)] if old != new else [])


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
    schedule = resolve.Schedule((weekly, daily))
    assert runs_of(resolve.shifts(schedule, start, end)) == naive.runs(schedule, start, end, timedelta(minutes=15))
