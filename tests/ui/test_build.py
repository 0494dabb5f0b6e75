"""Browser libraries come from the lock file, sizes are held, and static files carry their hash."""

import gzip
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import override_settings

from raglan.ui import build, static


def noise(size: int) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(7).randbytes(size)


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    """Make a static folder of the right shape."""
    for name in (*build.STYLES, "ui/js/live.js", "vendor/htmx.min.js"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"small")
    return tmp_path


def test_lock_file_names_versions_and_hashes_but_no_address() -> None:
    text = (build.FRONTEND / "package-lock.json").read_text()
    packages = {name: facts for name, facts in json.loads(text)["packages"].items() if name}
    assert set(packages) == {"node_modules/htmx.org", "node_modules/axe-core"}
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())
    assert "http" not in text
    assert "resolved" not in text


def test_sizes_of_this_tree_are_within_their_budgets() -> None:
    build.build(say=lambda _: None)
    build.check_budgets()


def test_build_that_is_up_to_date_asks_for_nothing() -> None:
    build.build(say=lambda _: None)
    assert build.build(say=pytest.fail) is False


@pytest.mark.parametrize(
    ("name", "size", "word"), [("ui/js/live.js", 41_000, "script"), ("ui/ui.css", 13_000, "style")]
)
def test_build_fails_beyond_a_budget_and_names_the_file(sheets: Path, name: str, size: int, word: str) -> None:
    (sheets / name).write_bytes(noise(size))
    with pytest.raises(build.BuildError, match=rf"{word} comes to .*{re.escape(name)}"):
        build.check_budgets(sheets)


def test_size_is_measured_as_it_travels(sheets: Path) -> None:
    (sheets / "ui/ui.css").write_bytes(b"a" * 100_000)
    sizes = build.compressed(sheets, build.STYLES)
    assert sizes["ui/ui.css"] == len(gzip.compress(b"a" * 100_000, 9)) < 1_000


def test_packaged_libraries_are_enough_without_a_source_tree(sheets: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(build.BuildError, match="full source tree"):
        build.build(nowhere, sheets)
    (sheets / "vendor" / build.STAMP).write_text("any")
    assert build.build(nowhere, sheets) is False


def test_machine_without_node_uses_the_wheel(tmp_path: Path) -> None:
    code = "import subprocess; from raglan.ui import build; print(subprocess.call([*build.npm(), '--version']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Collect the static files once."""
    root = tmp_path_factory.mktemp("static")
    build.build(say=lambda _: None)
    with override_settings(STATIC_ROOT=str(root)):
        assert static.collect() is True
        yield root


def test_collected_files_carry_their_hash_and_are_compressed(collected: Path) -> None:
    name = staticfiles_storage.url("ui/ui.css").removeprefix("/static/")
    assert re.fullmatch(r"ui/ui\.[0-9a-f]{12}\.css", name)
    assert (collected / name).is_file()
    assert (collected / f"{name}.gz").is_file()
    assert (collected / f"{name}.br").is_file()


@pytest.mark.usefixtures("collected")
def test_modules_import_each_other_by_hashed_names(collected: Path) -> None:
    name = staticfiles_storage.url("ui/js/live.js").removeprefix("/static/")
    imports = re.findall(r'from "([^"]+)"', (collected / name).read_text())
    assert imports
    for found in imports:
        assert re.search(r"\.[0-9a-f]{12}\.js$", found)
        assert (collected / "ui/js" / found).is_file()


@pytest.mark.usefixtures("collected")
def test_collecting_again_does_nothing() -> None:
    assert static.collect() is False


def test_plain_names_serve_where_nothing_was_collected(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=str(tmp_path)):
        assert staticfiles_storage.url("ui/ui.css") == "/static/ui/ui.css"
