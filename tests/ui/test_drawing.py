"""Positions of bars and shifts, and the words that go with them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.ui import svg

NEW_YORK = ZoneInfo("America/New_York")
AT = datetime(2026, 11, 18, 19, 12, tzinfo=UTC)


def local(day: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=NEW_YORK)


def test_bar_says_its_numbers_and_leaves_nothing_out() -> None:
    parts = [svg.Part("good", 171, "back"), svg.Part("bad", 187, "down"), svg.Part("unknown", 0, "not reached")]
    assert svg.bar_words(parts, "hosts") == "Of 358 hosts: 171 back, 187 down"


def test_one_of_many_is_still_seen() -> None:
    assert svg.share(1, 100_000) == "1"
    assert svg.share(1, 2) == "500"
    assert svg.share(0, 0) == "1"


def test_calendar_heads_mark_weekends_and_a_new_month() -> None:
    days = svg.calendar_days(AT, NEW_YORK)
    assert [day.label for day in days][:4] == ["Wed 18", "Thu 19", "Fri 20", "Sat 21"]
    assert (len(days), days[3].css, days[13].label, days[13].css) == (14, "we", "Tue 1", "mo")


def test_shift_is_placed_by_the_readers_days() -> None:
    band = svg.band(local(20, 9), local(27, 9), NEW_YORK, at=AT)
    assert (band.a, band.b) == ("0.1696", "0.6696")
    assert band.words == "Fri 20 09:00 to Fri 27 09:00"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (local(1, 9), local(20, 9), "until Fri 20 09:00"),
        (local(27, 9), local(9, 9, 12), "from Fri 27 09:00 on"),
        (local(1, 9), local(9, 9, 12), "all of these days"),
    ],
)
def test_shift_that_passes_an_edge_says_so(start: datetime, end: datetime, words: str) -> None:
    assert svg.band(start, end, NEW_YORK, at=AT).words == words


@pytest.mark.parametrize("day", [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)])
def test_day_when_clocks_change_is_as_wide_as_any_other(day: datetime) -> None:
    at = day - timedelta(days=3)
    noon = day.replace(hour=12, tzinfo=NEW_YORK)
    before = svg.position(noon.replace(hour=0), NEW_YORK, at=at)
    after = svg.position(noon.replace(hour=0) + timedelta(days=1), NEW_YORK, at=at)
    assert after - before == pytest.approx(1 / 14)
    assert before < svg.position(noon, NEW_YORK, at=at) < after


@given(
    first=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    more=st.timedeltas(timedelta(0), timedelta(days=30)),
    zone=st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_later_is_never_further_left(first: datetime, more: timedelta, zone: str) -> None:
    where = ZoneInfo(zone)
    low, high = (svg.position(moment, where, at=AT) for moment in (first, first + more))
    assert 0 <= low <= high <= 1


def test_fleet_draws_one_mark_for_each_host() -> None:
    path = svg.fleet_path(range(40), "triangle")
    assert path.count("M") == 40
    assert "M283 0l" in path
    assert "M3 8l" in path
