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
    ],
)
def test_names_stand_apart_by_spaces_or_commas_and_together_in_quotes(text: str, names: tuple[str, ...]) -> None:
    assert named.read(text) == names


@pytest.mark.parametrize("text", ['"front row', 'web "', '"front row"x'])
def test_a_quote_that_does_not_close_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="a quote that begins a name ends it, too"):
        named.read(text, field="tags")


def test_one_name_and_what_stands_behind_it() -> None:
    assert named.first('"front row" they look') == ("front row", "they look")
    assert named.first("web1: they look") == ("web1:", "they look")
    assert named.first("web1") == ("web1", "")
    assert named.first('"front row they look') == ('"front', "row they look")


def test_one_name_alone_needs_no_quotes() -> None:
    assert [named.bare(text) for text in ("front row", '"front row"', " web1 ", '"')] == ["front row"] * 2 + [
        "web1",
        '"',
    ]
