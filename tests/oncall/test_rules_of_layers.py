"""The public rules of layers, windows, months, groups and overrides, each as a worked example."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.oncall import resolve
from raglan.oncall.resolve import Gap, Kind, Override, Rotation, Schedule, Window

MARA, IKE, ROWAN, SOL = 1, 2, 3, 4
BERLIN, LONDON = "Europe/Berlin", "Europe/London"
WORKDAYS = (0, 1, 2, 3, 4)
DAY = timedelta(days=1)


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc,arg-type]  # the parts of a date


def who(schedule: Schedule, instant: datetime) -> tuple[int, ...]:
    return resolve.who_is_on_call(schedule, instant).people


def edges(schedule: Schedule, start: datetime, end: datetime, person: int) -> list[tuple[datetime, datetime]]:
    return [(p.starts_at, p.ends_at) for p in resolve.shifts(schedule, start, end) if person in p.people]


def always(person: int | tuple[int, ...], **fields: object) -> Rotation:
    return Rotation((person,), date(2026, 1, 1), time(0), "UTC", **fields)  # type: ignore[arg-type]  # any of its fields


def day_of(
    start: int, kind: Kind, person: int, instead_of: int | None = None, *, rank: int = 0, made: int = 1
) -> Override:
    begins = datetime(2026, 2, start, tzinfo=UTC)
    made_at = datetime(2026, 1, made, tzinfo=UTC)
    return Override(start * 100 + made, person, begins, begins + DAY, "", made_at, kind, instead_of, rank)


NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def test_failure_1_daylight_saving_does_not_move_the_shift() -> None:
    shift = Rotation(
        (MARA,), date(2026, 1, 5), time(8, 30), LONDON, windows=(Window(time(8, 30), time(17, 30), WORKDAYS),)
    )
    for monday in (date(2026, 3, 30), date(2026, 10, 26)):
        day = (monday.year, monday.month, monday.day)
        found = edges(Schedule((shift,)), at(LONDON, *day), at(LONDON, *day) + DAY, MARA)
        assert found == [(at(LONDON, *day, 8, 30), at(LONDON, *day, 17, 30))]


def test_failure_2_a_shift_across_the_change_has_eleven_hours_in_spring_and_thirteen_in_autumn() -> None:
    night = Rotation(
        (MARA, IKE), date(2026, 3, 1), time(20), BERLIN, length=DAY, windows=(Window(time(20), time(8)),), layer=1
    )
    day = Rotation((ROWAN,), date(2026, 3, 1), time(8), BERLIN, windows=(Window(time(8), time(20)),), layer=2)
    schedule = Schedule((night, day))
    for evening, hours in ((at(BERLIN, 2026, 3, 28, 20), 11), (at(BERLIN, 2026, 10, 24, 20), 13)):
        pieces = resolve.shifts(schedule, evening, evening + 2 * DAY)
        assert pieces[0].ends_at - evening == timedelta(hours=hours)
        assert pieces[0].ends_at.astimezone(ZoneInfo(BERLIN)).time() == time(8)
        assert pieces[1].people == (ROWAN,)
        assert not any(isinstance(piece, Gap) for piece in pieces)


def test_failure_13_a_cover_keeps_the_gaps_between_the_shifts() -> None:
    office = (Window(time(9), time(17), WORKDAYS),)
    turns = Rotation((MARA,), date(2026, 1, 5), time(9), BERLIN, windows=office)
    start = at(BERLIN, 2026, 2, 2)
    cover = Override(1, IKE, start, start + 14 * DAY, kind=Kind.REPLACE_ONE, instead_of=MARA)
    before, after = Schedule((turns,)), Schedule((turns,), (cover,))
    assert edges(after, start, start + 14 * DAY, IKE) == edges(before, start, start + 14 * DAY, MARA)
    assert edges(after, start, start + 14 * DAY, IKE)[1][0] == at(BERLIN, 2026, 2, 3, 9)
    assert who(after, at(BERLIN, 2026, 2, 2, 18)) == ()


def test_monthly_turns_of_the_31st_are_clamped_and_come_back() -> None:
    turns = Rotation((MARA, IKE, ROWAN), date(2026, 1, 31), time(9), BERLIN, months=1)
    starts = [turns.handoff(n).astimezone(ZoneInfo(BERLIN)).date() for n in range(4)]
    assert starts == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert who(Schedule((turns,)), at(BERLIN, 2026, 2, 28, 9)) == (IKE,)


def test_a_set_of_weekdays_hands_over_on_each_of_them() -> None:
    turns = Rotation((MARA, IKE), date(2026, 2, 2), time(9), BERLIN, weekdays=(0, 2, 4))
    order = [who(Schedule((turns,)), at(BERLIN, 2026, 2, day, 12))[0] for day in range(2, 14)]
    assert order == [MARA, MARA, IKE, IKE, MARA, MARA, MARA, IKE, IKE, MARA, MARA, IKE]


def test_turns_pass_on_idle_days_unless_only_worked_days_count() -> None:
    office = (Window(time(9), time(17), WORKDAYS),)
    for active_days, monday in ((False, ROWAN), (True, IKE)):
        turns = Rotation(
            (MARA, IKE, ROWAN, SOL),
            date(2026, 2, 6),
            time(0),
            BERLIN,
            length=DAY,
            windows=office,
            active_days=active_days,
        )
        assert who(Schedule((turns,)), at(BERLIN, 2026, 2, 6, 12)) == (MARA,)
        assert who(Schedule((turns,)), at(BERLIN, 2026, 2, 7, 12)) == ()
        assert who(Schedule((turns,)), at(BERLIN, 2026, 2, 9, 12)) == ((SOL,) if not active_days else (monday,))


def test_a_window_over_midnight_belongs_to_the_day_it_starts() -> None:
    friday = Rotation((MARA,), date(2026, 1, 1), time(0), BERLIN, windows=(Window(time(22), time(6), (4,)),))
    assert edges(Schedule((friday,)), at(BERLIN, 2026, 2, 5), at(BERLIN, 2026, 2, 10), MARA) == [
        (at(BERLIN, 2026, 2, 6, 22), at(BERLIN, 2026, 2, 7, 6))
    ]


def test_midnight_as_the_end_of_a_window_is_the_end_of_the_day() -> None:
    saturday = Rotation((MARA,), date(2026, 1, 1), time(0), BERLIN, windows=(Window(time(0), time(0), (5,)),))
    assert edges(Schedule((saturday,)), at(BERLIN, 2026, 3, 25), at(BERLIN, 2026, 4, 2), MARA) == [
        (at(BERLIN, 2026, 3, 28), at(BERLIN, 2026, 3, 29))
    ]


def test_the_highest_layer_that_works_decides_and_says_so() -> None:
    base = always(MARA)
    top = Rotation((IKE,), date(2026, 1, 1), time(0), "UTC", windows=(Window(time(9), time(17)),), layer=5, rank=1)
    schedule = Schedule((base, top), layers={5: "Office hours"})
    answer = resolve.who_is_on_call(schedule, NOON)
    assert (answer.people, answer.reason) == ((IKE,), "it is their turn in Office hours")
    assert answer.reasons[0].layer == 5
    assert who(schedule, NOON + timedelta(hours=5)) == (MARA,)


def test_layers_of_equal_rank_are_all_on_call_and_a_person_is_named_once() -> None:
    schedule = Schedule((always(MARA), always((IKE, MARA), layer=1), always(ROWAN, layer=2, rank=-1)))
    assert who(schedule, NOON) == (MARA, IKE)


def test_a_layer_whose_people_have_all_left_lets_the_one_below_decide() -> None:
    schedule = Schedule((always(MARA), always((IKE, ROWAN), layer=1, rank=1)), departed={IKE: NOON, ROWAN: NOON + DAY})
    assert who(schedule, NOON - DAY) == (IKE, ROWAN)
    assert who(schedule, NOON) == (ROWAN,)
    assert who(schedule, NOON + DAY) == (MARA,)


def test_a_layer_covers_nothing_before_its_start_and_nothing_from_its_end_on() -> None:
    trial = always(IKE, effective_from=NOON, ends_at=NOON + DAY, layer=1, rank=1)
    schedule = Schedule((always(MARA), trial))
    found = [who(schedule, NOON + hours) for hours in (-DAY / 24, 0 * DAY, DAY * 23 / 24, DAY)]
    assert found == [(MARA,), (IKE,), (IKE,), (MARA,)]


def test_one_is_replaced_only_while_they_are_on_call() -> None:
    schedule = Schedule(
        (always((MARA, IKE)),), (day_of(3, Kind.REPLACE_ONE, ROWAN, MARA), day_of(4, Kind.REPLACE_ONE, ROWAN, SOL))
    )
    assert who(schedule, NOON) == (ROWAN, IKE)
    assert who(schedule, NOON + DAY) == (MARA, IKE)
    reason = resolve.who_is_on_call(schedule, NOON).reasons[0]
    assert (reason.override, reason.instead_of) == (301, (MARA,))


def test_people_can_be_added_and_taken_out() -> None:
    taken = (day_of(3, Kind.ADD, ROWAN), day_of(3, Kind.REMOVE, MARA, made=2))
    assert who(Schedule((always((MARA, IKE)),), taken), NOON) == (IKE, ROWAN)
    assert who(Schedule((always(MARA),), (day_of(3, Kind.REMOVE, MARA),)), NOON) == ()


def test_a_time_without_length_has_no_shifts() -> None:
    schedule = Schedule((always(MARA), always(IKE, layer=1)), (day_of(3, Kind.ADD, ROWAN),))
    assert resolve.shifts(schedule, NOON, NOON) == []
    assert resolve.layer_shifts(schedule, 1, NOON, NOON) == []
    assert resolve.changes(schedule, Schedule(), NOON, NOON) == []


def test_an_override_can_be_overridden() -> None:
    crew = always((MARA, IKE))
    first = day_of(3, Kind.REPLACE_ONE, ROWAN, MARA, made=1)
    for second in (day_of(3, Kind.REPLACE_ONE, SOL, ROWAN, made=2), day_of(3, Kind.REPLACE_ONE, SOL, MARA, made=2)):
        assert who(Schedule((crew,), (first, second)), NOON) == (SOL, IKE)


def test_the_higher_rank_counts_whenever_it_was_made() -> None:
    early = day_of(3, Kind.REPLACE_EVERYBODY, ROWAN, rank=1, made=1)
    late = day_of(3, Kind.REPLACE_EVERYBODY, SOL, made=2)
    assert who(Schedule((always(MARA),), (early, late)), NOON) == (ROWAN,)


def test_one_who_covers_for_all_gives_a_part_away() -> None:
    taken = (day_of(3, Kind.REPLACE_EVERYBODY, ROWAN, made=1), day_of(3, Kind.REPLACE_ONE, SOL, IKE, made=2))
    assert who(Schedule((always((MARA, IKE)),), taken), NOON) == (ROWAN, SOL)
