"""The documentation: what is written is found."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r":\s+([\w/.-]+\.md)$", re.MULTILINE)


def test_each_page_stands_once_in_the_navigation() -> None:
    pages = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))

    assert sorted(NAMED.findall((ROOT / "mkdocs.yml").read_text())) == pages
