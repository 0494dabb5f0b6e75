"""Names as people write them in one line."""

import pytest

from raglan.changes import named
from raglan.core.errors import BadInput


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("web, db  api,web", ("web", "db", "api")),
        ('"front row", canary', ("front row", "canary")),
        ("“front row” „back row“ «top row»", ("front row", "back row", "top row")),
        ('canary,"front row"', ("canary", "front row")),
        ('6"-disks "a,b"', ('6"-disks', "a,b")),
        ('"web"', ("web",)),
        ('"  front  row "', ("front  row",)),
        ('"" web', ("web",)),
        ('6" 19”', ('6"', "19”")),
        ("“6\" disk row” o'brien", ('6" disk row', "o'brien")),
    ],
)
def test_names_stand_apart_by_spaces_or_commas_and_together_in_quotes(text: str, names: tuple[str, ...]) -> None:
    assert named.read(text) == names


@pytest.mark.parametrize("text", ['"front row', 'web "', '"front row"x', 'front row"', "front row”", '"front row”'])
def test_a_quote_that_does_not_close_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="a quote that begins a name ends it, too"):
        named.read(text, field="tags")


@pytest.mark.parametrize("text", ["'front row'", "web ‘front row’", "’front", "‚front row‘"])
def test_single_quotes_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="single quotes hold no name together"):
        named.read(text, field="tags")


@pytest.mark.parametrize(
    "name",
    [
        "web",
        "front row",
        '6"',
        '6" disk row',
        "“a” row",
        '“a” "b" row',
        "'front",
        "row'",
        '"',
        'row"',
        "a,b",
        "„a“ « b",
    ],
)
def test_what_is_written_is_read_as_itself(name: str) -> None:
    assert named.read(named.written([name, "canary"])) == (name, "canary")


def test_quotes_are_written_where_they_are_needed() -> None:
    assert named.written(["web", "front row", '6"', "6” disk row"]) == 'web, “front row”, 6", "6” disk row"'


def test_one_name_and_what_stands_behind_it() -> None:
    assert named.first('"front row" they look') == ("front row", "they look")
    assert named.first("web1: they look") == ("web1:", "they look")
    assert named.first("web1") == ("web1", "")
    assert named.first('"rack 4, left": they look') == ("rack 4, left", "they look")
    assert named.first('“6" disk row”: they look') == ('6" disk row', "they look")


@pytest.mark.parametrize("text", ['"front row they look', "'front row' they look"])
def test_the_first_name_is_read_as_all_names_are(text: str) -> None:
    with pytest.raises(BadInput, match="“front row”"):
        named.first(text)


def test_facts_stand_apart_by_commas_that_are_in_no_quotes() -> None:
    line = 'tags canary "a, b" 6" , role “c,d”,, soak 5 min'
    assert named.facts(line) == ['tags canary "a, b" 6"', "role “c,d”", "soak 5 min"]
    assert named.facts('tag "a, role b') == ['tag "a', "role b"]


def test_one_name_of_a_fact_stands_in_quotes_where_it_needs_some() -> None:
    assert [named.one(text) for text in ("front row", '"a,b"', ' "front row" ', '6" x')] == [
        *("front row", "a,b", "front row", '6" x')
    ]
    for text in ('"a', '"a" b', "'a'", "“"):
        with pytest.raises(BadInput, match="“front row”"):
            named.one(text, field="rules")
    for name in ("front row", "a,b", '"a" “b”', "'x", '6"', "„a", 'a,"b"'):
        assert named.one(named.alone(name)) == name
    assert named.alone("front row") == "front row"


def test_one_name_alone_needs_no_quotes() -> None:
    assert [named.bare(text) for text in ("front row", '"front row"', " web1 ", '"')] == ["front row"] * 2 + [
        "web1",
        '"',
    ]
