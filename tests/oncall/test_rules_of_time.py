"""The public rules of on-call time, each as a worked example."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from raglan.oncall import resolve, wall
from raglan.oncall.resolve import Gap, Override, Rotation, Schedule, Shift

MARA, IKE, ROWAN = 1, 2, 3
BERLIN = "Europe/Berlin"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # the parts of a date, in order


def in_zone(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc,arg-type]  # as above


def weekly(*people: int, starts: date = date(2026, 1, 5), zone: str = BERLIN, at: time = time(9)) -> Rotation:
    return Rotation(people, starts, at, zone, handoff_weekday=0, id=1)


def daily(*people: int, starts: date, zone: str, at: time) -> Rotation:
    return Rotation(people, starts, at, zone, length=timedelta(days=1), id=1)


def who(schedule: Schedule, at: datetime) -> tuple[int, ...]:
    return resolve.who_is_on_call(schedule, at).people


def test_the_first_participant_is_on_call_at_the_start_instant_and_nobody_before() -> None:
    schedule = Schedule((weekly(MARA, IKE),))
    start = in_zone(BERLIN, 2026, 1, 5, 9)
    assert who(schedule, start - timedelta(microseconds=1)) == ()
    assert who(schedule, start) == (MARA,)


def test_a_handoff_belongs_to_who_comes_next() -> None:
    schedule = Schedule((weekly(MARA, IKE),))
    handoff = in_zone(BERLIN, 2026, 1, 12, 9)
    assert who(schedule, handoff - timedelta(microseconds=1)) == (MARA,)
    assert who(schedule, handoff) == (IKE,)


def test_a_rotation_that_starts_within_a_week_waits_for_its_weekday() -> None:
    schedule = Schedule((weekly(MARA, IKE, starts=date(2026, 1, 7)),))
    assert resolve.shifts(schedule, utc(2026, 1, 11), utc(2026, 1, 13)) == [
        Gap(utc(2026, 1, 11), utc(2026, 1, 12, 8)),
        Shift(utc(2026, 1, 12, 8), utc(2026, 1, 13), (MARA,)),
    ]


def test_handoffs_keep_their_wall_clock_time_over_a_clock_change() -> None:
    schedule = Schedule((weekly(MARA, IKE, ROWAN),))
    edges = [piece.starts_at for piece in resolve.shifts(schedule, utc(2026, 3, 16), utc(2026, 4, 8))][1:]
    assert edges == [utc(2026, 3, 16, 8), utc(2026, 3, 23, 8), utc(2026, 3, 30, 7), utc(2026, 4, 6, 7)]


def test_a_handoff_in_the_missing_hour_is_at_the_first_instant_after_it() -> None:
    schedule = Schedule((daily(MARA, IKE, starts=date(2026, 3, 28), zone=BERLIN, at=time(2, 30)),))
    answer = resolve.who_is_on_call(schedule, utc(2026, 3, 28, 12))
    assert answer.until == in_zone(BERLIN, 2026, 3, 29, 3) == utc(2026, 3, 29, 1)


def test_a_handoff_in_the_doubled_hour_is_at_the_first_of_the_two() -> None:
    schedule = Schedule((daily(MARA, IKE, starts=date(2026, 10, 24), zone=BERLIN, at=time(2, 30)),))
    answer = resolve.who_is_on_call(schedule, utc(2026, 10, 24, 12))
    assert answer.until == utc(2026, 10, 25, 0, 30)
    assert who(schedule, utc(2026, 10, 25, 1, 45)) == (IKE,)


def test_where_midnight_is_missing_the_day_begins_when_it_really_does() -> None:
    schedule = Schedule((daily(MARA, IKE, starts=date(2026, 4, 23), zone="Africa/Cairo", at=time(0)),))
    answer = resolve.who_is_on_call(schedule, utc(2026, 4, 23, 12))
    assert answer.until == in_zone("Africa/Cairo", 2026, 4, 24, 1) == utc(2026, 4, 23, 22)


def test_where_midnight_comes_twice_the_first_counts() -> None:
    zone = "America/Havana"
    schedule = Schedule((daily(MARA, IKE, starts=date(2026, 10, 31), zone=zone, at=time(0)),))
    assert resolve.who_is_on_call(schedule, utc(2026, 10, 31, 12)).until == utc(2026, 11, 1, 4)
    assert who(schedule, utc(2026, 11, 1, 5, 10)) == (IKE,)


def test_on_a_day_that_a_country_skips_the_turn_counts_as_taken() -> None:
    schedule = Schedule((daily(MARA, IKE, ROWAN, starts=date(2011, 12, 29), zone="Pacific/Apia", at=time(9)),))
    jump = utc(2011, 12, 30, 10)
    assert resolve.shifts(schedule, utc(2011, 12, 29, 20), utc(2011, 12, 31, 12)) == [
        Shift(utc(2011, 12, 29, 20), jump, (MARA,)),
        Shift(jump, utc(2011, 12, 30, 19), (IKE,)),  # the handoff of the skipped day, at the start of the next
        Shift(utc(2011, 12, 30, 19), utc(2011, 12, 31, 12), (ROWAN,)),
    ]


def test_a_twelve_hour_turn_has_eleven_hours_on_the_night_in_spring() -> None:
    turns = Rotation((MARA, IKE), date(2026, 3, 28), time(8), BERLIN, length=timedelta(hours=12))
    pieces = resolve.shifts(Schedule((turns,)), utc(2026, 3, 28, 7), utc(2026, 3, 29, 18))
    assert [piece.ends_at - piece.starts_at for piece in pieces] == [timedelta(hours=n) for n in (12, 11, 12)]


def test_an_hourly_turn_in_the_missing_hour_counts_as_taken() -> None:
    turns = Rotation((MARA, IKE, ROWAN), date(2026, 3, 29), time(0), BERLIN, length=timedelta(hours=1))
    order = [piece.people[0] for piece in resolve.shifts(Schedule((turns,)), utc(2026, 3, 28, 23), utc(2026, 3, 29, 3))]
    assert order == [MARA, IKE, MARA, IKE]  # the turn of Rowan, from 02:00 to 03:00, does not exist


def test_a_change_leaves_the_past_as_it_was() -> None:
    old = weekly(MARA, IKE)
    changed_at = utc(2026, 2, 4, 15)
    new = Rotation((ROWAN,), date(2026, 1, 5), time(9), BERLIN, 0, effective_from=changed_at, id=2)
    before, after = Schedule((old,)), Schedule((old, new))
    assert resolve.changes(before, after, utc(2026, 1, 1), changed_at) == []
    assert who(after, changed_at - timedelta(seconds=1)) == who(before, changed_at)
    assert who(after, changed_at) == (ROWAN,)


def test_of_two_overrides_the_one_made_last_wins_and_the_other_comes_back_after_it() -> None:
    long = Override(2, IKE, utc(2026, 1, 6), utc(2026, 1, 8), created_at=utc(2026, 1, 1))
    short = Override(1, ROWAN, utc(2026, 1, 6, 12), utc(2026, 1, 7), created_at=utc(2026, 1, 2))
    pieces = resolve.shifts(Schedule((weekly(MARA),), (short, long)), utc(2026, 1, 6), utc(2026, 1, 8))
    assert [(piece.people, piece.ends_at) for piece in pieces] == [
        ((IKE,), utc(2026, 1, 6, 12)),
        ((ROWAN,), utc(2026, 1, 7)),
        ((IKE,), utc(2026, 1, 8)),
    ]


def test_an_override_says_in_whose_place() -> None:
    cover = Override(7, ROWAN, utc(2026, 1, 11), utc(2026, 1, 13), "wedding")
    schedule = Schedule((weekly(MARA, IKE),), (cover,))
    [shift] = resolve.shifts(schedule, utc(2026, 1, 11), utc(2026, 1, 13))
    assert shift == Shift(utc(2026, 1, 11), utc(2026, 1, 13), (ROWAN,), 7, (MARA, IKE))
    answer = resolve.who_is_on_call(schedule, utc(2026, 1, 12))
    assert (answer.source, answer.until) == (resolve.Source.OVERRIDE, utc(2026, 1, 13))
    assert "wedding" in answer.reason


def test_until_does_not_stop_at_a_handoff_to_the_same_person() -> None:
    cover = Override(7, IKE, utc(2026, 1, 11), utc(2026, 1, 12, 8))
    schedule = Schedule((weekly(MARA, IKE),), (cover,))
    assert resolve.who_is_on_call(schedule, utc(2026, 1, 11)).until == utc(2026, 1, 19, 8)


def test_a_rota_of_one_has_no_end() -> None:
    answer = resolve.who_is_on_call(Schedule((weekly(MARA),)), utc(2026, 2, 1))
    assert (answer.people, answer.until) == ((MARA,), None)
    assert resolve.next_after(Schedule((weekly(MARA),)), utc(2026, 2, 1)) is None


def test_turns_of_a_year_know_their_end() -> None:
    turns = Rotation((MARA, IKE), date(2026, 1, 5), time(9), BERLIN, 0, length=timedelta(weeks=52))
    assert resolve.who_is_on_call(Schedule((turns,)), utc(2026, 1, 6)).until == utc(2027, 1, 4, 8)


def test_without_a_rotation_all_is_one_gap() -> None:
    assert resolve.shifts(Schedule(), utc(2026, 1, 1), utc(2026, 2, 1)) == [Gap(utc(2026, 1, 1), utc(2026, 2, 1))]
    answer = resolve.who_is_on_call(Schedule(), utc(2026, 1, 1))
    assert (answer.people, answer.source, answer.until) == ((), resolve.Source.NOBODY, None)


def test_the_turns_of_somebody_who_left_are_gaps_from_then_on() -> None:
    left = utc(2026, 1, 8)
    schedule = Schedule((weekly(MARA, IKE),), departed={MARA: left})
    assert resolve.shifts(schedule, utc(2026, 1, 6), utc(2026, 1, 13)) == [
        Shift(utc(2026, 1, 6), left, (MARA,)),
        Gap(left, utc(2026, 1, 12, 8)),
        Shift(utc(2026, 1, 12, 8), utc(2026, 1, 13), (IKE,)),
    ]


def test_an_override_of_somebody_who_left_gives_the_time_back() -> None:
    cover = Override(1, IKE, utc(2026, 1, 6), utc(2026, 1, 8))
    schedule = Schedule((weekly(MARA),), (cover,), departed={IKE: utc(2026, 1, 7)})
    assert who(schedule, utc(2026, 1, 6, 12)) == (IKE,)
    assert who(schedule, utc(2026, 1, 7, 12)) == (MARA,)


def test_ten_thousand_overrides_are_answered_at_once() -> None:
    start = utc(2026, 1, 1)
    many = tuple(
        Override(n, n % 3 + 1, start + timedelta(minutes=n), start + timedelta(days=30, minutes=n % 977))
        for n in range(10_000)
    )
    pieces = resolve.shifts(Schedule((weekly(MARA, IKE),), many), start, start + timedelta(days=400))
    assert len(pieces) > 1_000


@pytest.mark.parametrize(
    ("zone", "start", "changed"),
    [
        (BERLIN, date(2026, 3, 20), [(date(2026, 3, 29), timedelta(hours=1))]),
        (BERLIN, date(2026, 10, 20), [(date(2026, 10, 25), timedelta(hours=-1))]),
        ("Australia/Lord_Howe", date(2026, 4, 1), [(date(2026, 4, 5), timedelta(minutes=-30))]),
        ("Asia/Kathmandu", date(2026, 3, 20), []),
    ],
)
def test_days_on_which_clocks_change_are_known(zone: str, start: date, changed: list[tuple[date, timedelta]]) -> None:
    assert wall.change_days(zone, start, 14) == changed


def test_a_time_that_a_clock_never_shows_is_told_apart() -> None:
    assert not wall.is_shown(datetime(2026, 3, 29, 2, 30), ZoneInfo(BERLIN))
    assert wall.is_shown(datetime(2026, 10, 25, 2, 30), ZoneInfo(BERLIN))


def test_whoever_takes_their_own_turn_simply_has_it() -> None:
    own = Override(7, MARA, utc(2026, 1, 6), utc(2026, 1, 7))
    pieces = resolve.shifts(Schedule((weekly(MARA, IKE),), (own,)), utc(2026, 1, 5, 8), utc(2026, 1, 12, 8))
    assert pieces == [Shift(utc(2026, 1, 5, 8), utc(2026, 1, 12, 8), (MARA,))]


def test_listed_shifts_keep_their_own_end() -> None:
    pieces = resolve.coming(Schedule((weekly(MARA, IKE),)), utc(2026, 1, 6), utc(2026, 1, 13))
    assert [piece.ends_at for piece in pieces] == [utc(2026, 1, 12, 8), utc(2026, 1, 19, 8)]
