"""Templates keep to the policy: nothing inline, nothing from outside, no icon that was never drawn."""

import re
from pathlib import Path

import pytest

import raglan
from raglan.ui.build import STATIC

PACKAGE = Path(raglan.__path__[0])
TEMPLATES = sorted(PACKAGE.glob("*/templates/**/*.html"))
IDS = [path.relative_to(PACKAGE).as_posix() for path in TEMPLATES]
ICONS = set(re.findall(r'<symbol id="i-([a-z]+)"', (STATIC / "ui" / "icons.svg").read_text()))
ICON_USE = re.compile(
    r"""\{%\s*icon\s+["']([a-z-]+)["']|<c-[a-z-]+[^>]*?\sicon="([a-z-]+)"|<c-icon[^>]*?\sname="([a-z-]+)\""""
)
STYLE_USE = re.compile(r'\sstyle="([^"]*)"')
COMPUTED = re.compile(r"^(\s*(--[a-z]+|flex|inset-inline-start|inline-size)\s*:\s*\{\{[^{}]+\}\}%?\s*;?)+$")
HANDLER = re.compile(r"\son[a-z]+\s*=", re.IGNORECASE)


def test_there_are_templates() -> None:
    assert TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_no_script_or_style_stands_in_a_template(path: Path) -> None:
    text = path.read_text()
    assert "<style" not in text
    assert not HANDLER.search(re.sub(r"\{[%#{].*?[%#}]\}", "", text))
    assert "javascript:" not in text.lower()
    assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_style_attributes_hold_computed_positions_only(path: Path) -> None:
    assert [value for value in STYLE_USE.findall(path.read_text()) if not COMPUTED.match(value)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    loaded = re.findall(r"""(?:src|srcset|data-src|href)\s*=\s*["'](https?:)?//""", path.read_text())
    assert loaded == []


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_every_icon_is_drawn(path: Path) -> None:
    named = {name for names in ICON_USE.findall(path.read_text()) for name in names if name}
    assert named - ICONS == set()


def test_scripts_speak_to_our_own_server_only() -> None:
    for path in STATIC.glob("ui/js/*.js"):
        text = path.read_text()
        assert not re.search(r"https?://", text), path.name
        assert not re.search(r"\beval\(|new Function\(|innerHTML\s*=(?!=)(?<!template\.innerHTML =)", text), path.name


def test_every_import_of_a_script_exists() -> None:
    for path in STATIC.glob("ui/js/*.js"):
        for name in re.findall(r'from "(\./[^"]+)"', path.read_text()):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


def test_only_one_module_marks_texts_of_others_as_safe() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.glob("**/*.py")
        if re.search(r"\bmark_safe\(", path.read_text())
    }
    assert found <= {"ui/markdown.py"}


def test_no_template_turns_escaping_off() -> None:
    assert [
        name
        for name, path in zip(IDS, TEMPLATES, strict=True)
        if re.search(r"\|\s*safe\b|autoescape off", path.read_text())
    ] == []
