"""Labels of a line: behind a semicolon or at the beginning of a line, and none in quotes."""

from time import thread_time

import pytest

from raglan.changes import labels

WHAT = labels.pattern("name|for|did")


@pytest.mark.parametrize(
    ("text", "head", "said"),
    [
        ("it spreads", "it spreads", []),
        ("it spreads; for: 2 h", "it spreads", [("for", " 2 h")]),
        ("FOR: 2 h\nName : a", "", [("for", " 2 h"), ("name", " a")]),
        ('x; name: "a; for: 3 h"; for: 2 h', "x", [("name", ' "a; for: 3 h"'), ("for", " 2 h")]),
        ("x; name: “a; for: 3 h”", "x", [("name", " “a; for: 3 h”")]),
        ("x; name: «a; for: 3 h», b", "x", [("name", " «a; for: 3 h», b")]),
        ('he said "it is down; did: nothing".', 'he said "it is down; did: nothing".', []),
        ('"x; for: 1 h"', '"x; for: 1 h"', []),
        ('two 6"-disks; for: 1 h; name: 8"', 'two 6"-disks', [("for", " 1 h"), ("name", ' 8"')]),
        ('a "b; for: 1 h', 'a "b', [("for", " 1 h")]),
        ('a "b\nfor: 1 h"', 'a "b', [("for", ' 1 h"')]),
        ("it's slow; for: 1 h; name: it's", "it's slow", [("for", " 1 h"), ("name", " it's")]),
        ("for: ; for:", "", [("for", " "), ("for", "")]),
        ("", "", []),
    ],
)
def test_a_label_begins_a_line_or_stands_behind_a_semicolon_outside_of_quotes(
    text: str, head: str, said: list[tuple[str, str]]
) -> None:
    assert labels.split(text, WHAT) == (head, said)


@pytest.mark.parametrize("text", [" «" * 50_000, ' "a' * 50_000, "; for" * 50_000, " “" * 50_000 + "”"])
def test_quotes_that_do_not_close_cost_little(text: str) -> None:
    before = thread_time()
    labels.split(text, WHAT)

    assert thread_time() - before < 5
