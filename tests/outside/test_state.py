"""How a component is: in doubt it is not known."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.incidents.models import ServiceState
from raglan.outside.snapshot import Clock, days
from raglan.outside.state import Watch, Word, known

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
S = ServiceState


def word(state: str, ago: timedelta) -> Word:
    return Word(state, AT - ago)


def watch(ago: timedelta | None, *, is_firing: bool = False) -> Watch:
    return Watch(None if ago is None else AT - ago, HOUR / 4, is_firing)


@pytest.mark.parametrize(
    ("said", "seen", "state"),
    [
        (None, None, S.UNKNOWN),  # silence is never fine
        (word("fine", HOUR), None, S.FINE),
        (word("fine", 2 * DAY), None, S.UNKNOWN),
        (word("down", HOUR), watch(HOUR / 60), S.DOWN),  # what people say goes before what a machine does not see
        (word("slow", 2 * DAY), watch(HOUR / 60), S.UNKNOWN),
        (word("unknown", HOUR), watch(HOUR / 60), S.UNKNOWN),
        (None, watch(HOUR / 60), S.FINE),
        (None, watch(HOUR), S.UNKNOWN),
        (None, watch(None), S.UNKNOWN),
        (None, watch(HOUR / 60, is_firing=True), S.UNKNOWN),
        (word("fine", HOUR / 60), watch(HOUR / 60, is_firing=True), S.UNKNOWN),
        (word("fine", HOUR), watch(HOUR), S.UNKNOWN),  # it went silent after that
        (word("fine", HOUR / 2), watch(HOUR), S.FINE),
    ],
)
def test_what_is_known(said: Word | None, seen: Watch | None, state: ServiceState) -> None:
    assert known(said, seen, at=AT, limit=DAY).state == state


@pytest.mark.parametrize(
    ("said", "seen", "state"),
    [
        (None, watch(HOUR / 60), S.UNKNOWN),
        (word("fine", 2 * HOUR), None, S.UNKNOWN),
        (word("fine", 2 * HOUR), watch(HOUR / 60), S.UNKNOWN),
        (word("fine", HOUR / 2), None, S.FINE),  # people said so after it began
        (word("down", 2 * HOUR), None, S.DOWN),
    ],
)
def test_trouble_an_hour_ago_goes_before_what_was_fine_before_it(
    said: Word | None, seen: Watch | None, state: ServiceState
) -> None:
    assert known(said, seen, AT - HOUR, at=AT, limit=DAY).state == state


hours = st.floats(0, 100).map(lambda number: timedelta(hours=number))
words = st.none() | st.builds(word, st.sampled_from(S.values), hours)
watches = st.none() | st.builds(lambda ago, fires: watch(ago, is_firing=fires), st.none() | hours, st.booleans())


@given(words, watches)
def test_nothing_is_fine_that_nobody_said_lately_and_nothing_watches(said: Word | None, seen: Watch | None) -> None:
    found = known(said, seen, at=AT, limit=DAY)
    if found.state != S.FINE:
        return
    assert found.since is not None
    assert AT - found.since <= DAY
    assert said is None or said.state == S.FINE
    assert seen is None or not seen.is_firing


def test_a_day_shows_the_worst_that_was_said_and_silence_as_silence() -> None:
    said = [word("down", 3 * DAY), word("fine", 3 * DAY - HOUR), word("slow", HOUR)]
    found = days(said, AT, DAY, Clock("UTC"))
    assert len(found) == 90
    assert [day.look for day in found[-5:]] == ["none", "bad", "good", "none", "slow"]
    assert found[-4].words == "17 Nov: down"
    assert found[-5].words == "16 Nov: nothing was said"


def test_days_are_those_of_the_pages_zone_also_where_clocks_change() -> None:
    clock = Clock("Pacific/Auckland")
    assert days([word("down", HOUR)], AT, DAY, clock)[-1].words == "21 Nov: down"
    change = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert Clock("Europe/Berlin")(change).words == "Sun 25 Oct 2026, 02:30 CET"
    assert Clock("Europe/Berlin")(change - HOUR).words == "Sun 25 Oct 2026, 02:30 CEST"
    assert clock.zone == ZoneInfo("Pacific/Auckland")
