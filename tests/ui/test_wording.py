"""Times, spans, names and counts read the same everywhere."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from raglan.ui import wording

AT = datetime(2026, 11, 18, 19, 12, 6, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (14 * 60 + 59, "14 min ago"),
        (3 * 3600, "3 h ago"),
        (86_400, "1 day ago"),
        (3 * 86_400 + 5, "3 days ago"),
        (-30, "in a moment"),
        (-8 * 60, "in 8 min"),
    ],
)
def test_age_is_rough_and_never_ahead_of_itself(seconds: int, words: str) -> None:
    assert wording.age(AT - timedelta(seconds=seconds), at=AT) == words


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=20), "20 s"),
        (timedelta(minutes=14), "14 min"),
        (timedelta(hours=1, minutes=14), "1 h 14 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1, hours=3), "1 day"),
        (timedelta(days=3), "3 days"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_span_is_written_in_two_units_at_most(length: timedelta, words: str) -> None:
    assert wording.span(length) == words


def test_clock_shows_the_readers_zone() -> None:
    assert wording.clock(AT, NEW_YORK) == "14:12"
    assert wording.clock(AT, UTC, seconds=True) == "19:12:06"


def test_day_names_the_days_around_today() -> None:
    days = [wording.day(AT + timedelta(days=n), NEW_YORK, at=AT) for n in (-2, -1, 0, 1)]
    assert days == ["Monday 16 November", "Yesterday", "Today", "Tomorrow"]


def test_day_of_another_year_names_the_year() -> None:
    assert wording.day(AT - timedelta(days=365), NEW_YORK, at=AT) == "Tuesday 18 November 2025"


def test_day_turns_at_the_readers_midnight() -> None:
    late = datetime(2026, 11, 19, 4, 59, tzinfo=UTC)
    assert wording.day(late, NEW_YORK, at=AT) == "Today"
    assert wording.day(late + timedelta(minutes=1), NEW_YORK, at=AT) == "Tomorrow"


@pytest.mark.parametrize(
    ("days", "words"), [(0, "14:12"), (2, "Fri 14:12"), (9, "Fri 27 Nov 14:12"), (60, "17 Jan 2027 14:12")]
)
def test_when_is_as_short_as_is_clear(days: int, words: str) -> None:
    assert wording.when(AT + timedelta(days=days), NEW_YORK, at=AT) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("America/New_York", "New York (UTC\N{MINUS SIGN}5)"),
        ("Asia/Kolkata", "Kolkata (UTC+5:30)"),
        ("UTC", "UTC"),
        ("Europe/London", "London (UTC)"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires (UTC\N{MINUS SIGN}3)"),
    ],
)
def test_zone_is_named_with_its_distance(name: str, words: str) -> None:
    assert wording.zone_words(ZoneInfo(name), at=AT) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Hana Lind", "HL"),
        ("Ana Maria Reyes", "AR"),
        ("Support", "S"),
        ("mara@example.org", "MO"),
        ("", "?"),
        ("— —", "?"),
    ],
)
def test_initials_are_two_letters_at_most(name: str, letters: str) -> None:
    assert wording.initials(name) == letters


def test_numbers_carry_their_noun() -> None:
    assert [wording.counted(n, "ask") for n in (0, 1, 3)] == ["0 asks", "1 ask", "3 asks"]
    assert wording.counted(1200, "person", "people") == "1,200 people"


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["Ana"], "Ana"), (["Ana", "Bo"], "Ana and Bo"), (["Ana", "Bo", "Dee"], "Ana, Bo and Dee")],
)
def test_names_are_listed_as_people_say_them(names: list[str], words: str) -> None:
    assert wording.listed(names) == words


def test_a_text_is_put_in_a_line_and_ends_early() -> None:
    assert wording.in_a_line(" web0012\n is  down ") == "web0012 is down"
    assert wording.in_a_line("x" * 60) == "x" * 60
    assert wording.in_a_line("x" * 81, 80) == "x" * 79 + "…"
