"""Texts of people are shown as they meant them, and carry nothing that runs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.ui import markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](https://elsewhere.example/pixel.png)",
    "<svg/onload=alert(1)>",
    '[x](https://a.example/"onmouseover=alert(1))',
    "https://a.example/?q=<script>alert(1)</script>",
    "`<b>`",
    '<https://a.example/" onclick=alert(1)>',
]
ALLOWED = re.compile(
    r"</?(p|br|strong|em|s|code|pre|blockquote|ul|ol|li|hr|h[3-6]|table|thead|tbody|tr|th|td)( /)?>"
    r'|<a href="(https?:|mailto:)?[^"<>]*"( title="[^"<>]*")? rel="noopener noreferrer nofollow">|</a>'
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_runs_comes_through(text: str) -> None:
    for html in (markdown.render(text), markdown.render_line(text)):
        assert "<" not in ALLOWED.sub("", html)


@given(st.text(alphabet="<>\"'&;:/()[]!`*_#=-.javscriptonhxlu \n\t", max_size=200))
def test_whatever_is_typed_only_allowed_tags_come_out(text: str) -> None:
    assert "<" not in ALLOWED.sub("", markdown.render(text))
    assert "<" not in ALLOWED.sub("", markdown.render_line(text))


def test_a_bare_address_becomes_a_link_without_the_full_stop_after_it() -> None:
    html = markdown.render_line("See https://wiki.example/runbook/12.")
    assert '<a href="https://wiki.example/runbook/12" rel="noopener noreferrer nofollow">' in html
    assert html.endswith("</a>.")


def test_an_address_inside_a_link_stays_one_link() -> None:
    assert markdown.render_line("[https://a.example](https://b.example)").count("<a ") == 1


def test_an_address_in_code_stays_text() -> None:
    assert "<a " not in markdown.render_line("`https://a.example`")


def test_code_and_emphasis_are_kept_in_a_line() -> None:
    assert markdown.render_line("run `chef` *now*") == "run <code>chef</code> <em>now</em>"


def test_headings_start_below_those_of_the_page() -> None:
    assert markdown.render("# Top\n\n###### Low").replace("\n", "") == "<h3>Top</h3><h6>Low</h6>"


def test_line_breaks_are_kept() -> None:
    assert "<br>" in markdown.render("one\ntwo")


def test_a_text_that_is_far_too_long_is_cut_and_says_so() -> None:
    assert "(shortened)" in markdown.render("word " * 20_000)
