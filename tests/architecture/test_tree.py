from importlib import import_module
from pathlib import Path

import pytest

from tools import tree_check

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path.parent for path in (ROOT / "src" / "raglan").glob("*/__init__.py"))


def test_the_tree_has_no_fault() -> None:
    assert list(tree_check.all_faults()) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example.org/simple",
        "django @ file:///srv/django",
        "-e ./here",
        "django==5.2.1",  # no hash follows
        "# from https://packages.example.org",
    ],
)
def test_a_lock_file_with_more_than_versions_and_hashes_is_refused(line: str) -> None:
    assert len(list(tree_check.lock_faults("some.lock", line))) == 1


def test_packed_and_built_files_are_refused() -> None:
    names = ["some-1.0-py3-none-any.whl", "a/htmx.min.js", "fonts/a.woff2", "docs/images/now.png", "src/raglan/host.py"]
    assert len(list(tree_check.packed_faults(names))) == 3


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_it_is_for(package: Path) -> None:
    module = import_module(f"raglan.{package.name}")
    said = (module.__doc__ or "").strip()
    assert said.splitlines()[0].endswith((".", ":")), f"raglan.{package.name} needs a docstring: a sentence first"


def test_each_target_of_the_makefile_is_one_line_and_calls_a_script() -> None:
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if line and line[0].isalpha()]
    scripts = [ROOT / recipe.partition("@")[2].split()[0] for recipe in recipes]
    assert len(scripts) >= 8
    assert [script.name for script in scripts if not script.is_file()] == []
