"""A sign that turns the direction of letters, in a title from outside, turns nothing that stands beside it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from raglan import ui

STATIC = Path(ui.__file__).parent / "static" / "ui"
TURNED = "Disk \u202b\u202e1bd no lluf"
# Where letters of what follows stand, and where the title ends; what is turned goes from right to left.
PLACES = """() => {
  const at = (node, from) => {
    const range = document.createRange();
    range.setStart(node, from);
    range.setEnd(node, from + 1);
    return range.getBoundingClientRect().left;
  };
  const beside = document.querySelector("#beside").firstChild, tail = document.querySelector("p").lastChild;
  return [document.querySelector("#title").getBoundingClientRect().right, at(beside, 0), at(beside, 6), at(tail, 1),
    at(tail, 6)];
}"""


@pytest.mark.parametrize("name", ["a", "b", "strong", "em", "code", "span", "small", "q", "label"])
def test_what_stands_beside_a_turned_title_is_read_as_ever(browser: Browser, name: str) -> None:
    sheets = "".join(f"<style>{(STATIC / sheet).read_text()}</style>" for sheet in ("tokens.css", "ui.css"))
    title = f'<{name} id="title">{TURNED}</{name}>'
    page = browser.new_page()
    page.set_content(f'{sheets}<p>{title} <span id="beside">since 20:14</span>, and so on</p>')

    places = page.evaluate(PLACES)

    assert places == sorted(places), name
    page.close()
