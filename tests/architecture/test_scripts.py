"""The shell scripts of `tools/`, in the cases that a developer's machine rarely meets."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def shell(text: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-euo", "pipefail", "-c", f". {ROOT}/tools/lib.sh; {text}"]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_every_script_is_read_without_error() -> None:
    scripts = sorted((ROOT / "tools").glob("*.sh"))
    assert [path.name for path in scripts if subprocess.run(["bash", "-n", path], check=False).returncode] == []
    assert len(scripts) >= 8


def test_a_step_that_works_is_one_line() -> None:
    done = shell('step "counting" sh -c "echo one; echo two"')
    assert done.returncode == 0
    assert re.fullmatch(r"\[ *\d+ s\] counting …\n", done.stdout)


def test_a_step_that_fails_shows_what_it_said() -> None:
    done = shell('step "counting" sh -c "echo three; exit 3"; echo never')
    assert done.returncode == 1
    assert "three" in done.stderr
    assert "That did not work: counting" in done.stderr
    assert "never" not in done.stdout


def test_without_rights_the_missing_packages_are_named() -> None:
    done = shell('id() { echo 1000; }; sudo() { return 1; }; debian "the tests" no-such-package')
    assert done.returncode == 1
    assert "As root: apt-get install no-such-package" in done.stderr
