"""Matchers as people write them: what is read is what was meant, and what can not be meant is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from raglan.alerts import matchers
from raglan.alerts.pipeline.route import OPERATORS, Matcher
from raglan.core.errors import BadInput


def read(text: str) -> list[tuple[str, str, str]]:
    return [(one.name, one.op, one.value) for one in matchers.parse_lines(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('alertname="DiskFull", severity="critical"', [("alertname", "=", "DiskFull"), ("severity", "=", "critical")]),
        ('{a="b",c=~"d,e"}', [("a", "=", "b"), ("c", "=~", "d,e")]),
        ("a=b,c=d\ne!=f", [("a", "=", "b"), ("c", "=", "d"), ("e", "!=", "f")]),
        ("instance=~web{1,3}", [("instance", "=~", "web{1,3}")]),
        ("x=~a,b", [("x", "=~", "a,b")]),
        ('a="say \\"x, y\\""', [("a", "=", 'say "x, y"')]),
        ('"foo bar"="x y"', [("foo bar", "=", "x y")]),
        ('a=""', [("a", "=", "")]),
    ],
)
def test_lines_are_read_as_they_are_meant(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'alertname="DiskFull',
        'alertname == "DiskFull"',
        "alertname==DiskFull",
        "alertname='DiskFull'",
        'alertname="a" and alertname="x"',
        'a=b"c',
        "alertname",
        '""="x"',
    ],
)
def test_a_line_that_would_match_nothing_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        matchers.parse_lines(text)


def test_why_a_pattern_can_not_be_read_is_said_in_words() -> None:
    with pytest.raises(BadInput, match=r"this pattern can not be read: missing \): \($"):
        matchers.parse('a=~"("')


@given(
    some.lists(some.tuples(some.text(min_size=1, max_size=20), some.sampled_from(["=", "!="]), some.text(max_size=40)))
)
def test_what_is_written_is_read_again(wanted: list[tuple[str, str, str]]) -> None:
    assert set(OPERATORS) >= {op for _, op, _ in wanted}
    written = [Matcher(name, op, value) for name, op, value in wanted if "\n" not in name and name.isprintable()]
    kept = [one for one in written if one.value.isprintable()]
    assert matchers.parse_lines(matchers.written(kept)) == kept
