"""Rollout groups are read as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.changes.grouping import Group, fits_pattern, read, written
from raglan.core.errors import BadInput


def test_a_line_is_a_group() -> None:
    text = "first: host web0001, soak 30 min\n\nsome: cluster web, share 10 %, soak 2 h\nkept: role db, aside\nrest"
    assert read(text) == [
        Group("first", hosts="web0001", soak_min=30),
        Group("some", cluster="web", share=10, soak_min=120),
        Group("kept", role="db", is_aside=True),
        Group("rest"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "a: soak long",
        "a: share 0%",
        "a: share 101 %",
        "a: host w*b",
        "a: aside now",
        ": host x",
        "a: soak 15 d",
        "a: x",
    ],
)
def test_what_can_not_be_read_is_refused(line: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(line)
    assert refused.value.field == "groups"


def test_names_with_commas_stand_in_quotes() -> None:
    text = "first: host “web,1”, tag “rack 4, left”, soak 30 min\nkept: role front row, aside"
    first, kept = read(text.replace("“web,1”", '"web,1"'))
    assert (first.hosts, first.tag, kept.role) == ("web,1", "rack 4, left", "front row")
    assert "\n".join(map(written, (first, kept))) == text
    for wrong in ('a: tag "b, aside', "a: role 'b'"):
        with pytest.raises(BadInput, match="“front row”"):
            read(wrong)


def test_there_are_not_too_many() -> None:
    with pytest.raises(BadInput):
        read("\n".join(f"group {number}" for number in range(21)))


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [("web*", "web1"), ("*1", "web1"), ("*eb*", "web1"), ("web1", "web1"), ("", "anything"), ("*", "anything")],
)
def test_a_star_stands_for_any_words(pattern: str, fitting: str) -> None:
    assert fits_pattern(pattern, fitting)
    assert fits_pattern(pattern, "api9") == (pattern in ("", "*"))


WORDS = st.text("abcd01", min_size=1, max_size=6)
GROUPS = st.builds(
    Group,
    WORDS,
    WORDS | st.just("web*"),
    WORDS | st.just(""),
    WORDS | st.just(""),
    st.integers(1, 100),
    st.integers(0, 900),
    st.booleans(),
    WORDS | st.just(""),
)


@given(st.lists(GROUPS, max_size=5))
def test_what_is_written_is_read_again(groups: list[Group]) -> None:
    assert read("\n".join(written(group) for group in groups)) == groups
