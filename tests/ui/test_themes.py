"""Light and dark differ by colours alone: whoever looks at a screen in one theme has seen its shape in both."""

import re
from pathlib import Path

import raglan
from tests.support.browser import AXE_TAGS, LOOKS, OF_COLOURS, WIDTHS, axe_source

SHEETS = sorted(path for path in Path(raglan.__file__).parent.rglob("*.css") if "static_built" not in path.parts)
CHOICE = re.compile(r":root\[data-theme=\"(light|dark)\"\] \{ color-scheme: \1; \}")


def test_a_theme_sets_nothing_but_which_of_two_colours_is_taken() -> None:
    assert [path.name for path in SHEETS] == ["style.css", "tokens.css", "ui.css"]
    text = "\n".join(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL) for path in SHEETS)
    assert "prefers-color-scheme" not in text
    assert len(CHOICE.findall(text)) == 2
    assert "data-theme" not in CHOICE.sub("", text)


def test_no_script_and_no_screen_asks_for_the_theme_of_the_system() -> None:
    sources = [path for path in Path(raglan.__file__).parent.rglob("*") if path.suffix in {".html", ".js", ".svg"}]
    assert len(sources) > 100
    assert [path.name for path in sources if "prefers-color-scheme" in path.read_text(errors="replace")] == []


def test_all_that_axe_core_knows_of_colours_is_looked_at_in_the_dark_too() -> None:
    of_colours = re.findall(r'id:"([a-z-]+)",impact:(?:(?!id:").)*?tags:\["cat\.color","(\w+)"', axe_source())
    assert {rule for rule, level in of_colours if level in AXE_TAGS} == set(OF_COLOURS)
    assert {(look.width, look.theme) for look in LOOKS} == {(w, t) for w in WIDTHS for t in ("light", "dark")}
    assert [look.theme for look in LOOKS[:2]] == ["light", "dark"]  # in the dark it comes second
