"""A chart of one line: every word has room, and what is drawn is what was given."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.ui import chart

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)


def drawn(*steps: tuple[float, int], most: int = 400, marks: tuple[tuple[float, str], ...] = ()) -> chart.Chart:
    """Draw steps and marks that are given in seconds from noon."""
    points = [(NOON + timedelta(seconds=at), number) for at, number in steps]
    happened = [(NOON + timedelta(seconds=at), words) for at, words in marks]
    return chart.draw(points, most=most, zone=UTC, marks=happened)


def words(found: chart.Chart) -> list[str]:
    return [label.words for label in found.labels]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (60, ["12:00:00", "12:00:30", "12:01:00"]),
        (3600, ["12:00", "12:30", "13:00"]),
        (86400, ["Sat 28 Mar 12:00", "Sun 29 Mar 12:00"]),
    ],
)
def test_times_are_as_fine_as_the_line_is_short(seconds: float, expected: list[str]) -> None:
    assert words(drawn((0, 0), (seconds, 400)))[3:6] == expected


def test_the_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    found = drawn((0, 0), (600, 400))
    assert found.points == f"0,{chart.BOTTOM} {chart.WIDTH},{chart.TOP}"
    assert words(found)[:3] == ["0", "200", "400"]


def test_a_large_scale_has_room() -> None:
    assert drawn((0, 0), (600, 9), most=100_000).width == chart.WIDTH + 6 + 7 * chart.LETTER


def test_a_mark_near_the_end_is_named_to_its_left() -> None:
    (label,) = drawn((0, 0), (600, 400), marks=((599, "12:09 done"),)).labels[6:]
    assert label.anchor == "end"


@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["12:01 differs", "12:04 taken back"])), max_size=4))
def test_no_word_stands_on_another(marks: list[tuple[int, str]]) -> None:
    found = drawn((0, 0), (600, 400), marks=tuple(sorted(marks))).labels[6:]
    boxes = []
    for label in found:
        long = chart.LETTER * len(label.words)
        left = float(label.x) if label.anchor == "start" else float(label.x) - long
        assert left >= 0
        assert left + long <= chart.WIDTH
        boxes.append((label.y, left, left + long))
    boxes.sort()
    for (row, _, end), (other, begins, _) in pairwise(boxes):
        assert row != other or end <= begins
