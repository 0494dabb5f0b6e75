"""Commands that work on this machine's own data, as a person runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from raglan.demo.mailbox import Mailbox
from tests.support.server import put_migrated

pytestmark = pytest.mark.e2e


def raglan(data_dir: Path, *arguments: str, **options: str) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
    env |= {"RAGLAN_DATA_DIR": str(data_dir), "RAGLAN_PORT": "1"}
    env |= {f"RAGLAN_{name.upper()}": value for name, value in options.items()}
    command = [sys.executable, "-m", "raglan", *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=110, check=False, cwd=data_dir.parent
    )


def test_a_backup_goes_into_another_folder_and_a_token_still_works(tmp_path: Path) -> None:
    first, second, copy = tmp_path / "first", tmp_path / "second", tmp_path / "copies" / "raglan.backup"
    assert raglan(first, "migrate").stdout.endswith("migrations applied.\n")
    assert raglan(first, "migrate").stdout == "The database is up to date.\n"
    assert raglan(first, "token", "ada@example.test").stdout.startswith("rgl_")
    assert "read back and whole" in raglan(first, "backup", str(copy)).stdout
    restored = raglan(second, "restore", str(copy))
    assert restored.returncode == 0, restored.stderr
    assert raglan(second, "token", "ada@example.test").stdout.startswith("rgl_")
    again = raglan(second, "restore", str(copy))
    assert again.returncode == 1
    assert again.stderr.startswith("Error: There is a database at ")


def test_a_copy_that_was_changed_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "raglan.backup"
    put_migrated(tmp_path / "data")
    raglan(tmp_path / "data", "backup", str(copy))
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    refused = raglan(tmp_path / "other", "restore", str(copy))
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)


def test_the_openapi_document_is_printed(tmp_path: Path) -> None:
    document = json.loads(raglan(tmp_path / "data", "openapi").stdout)
    assert {"/api/v1/heads-up", "/api/v1/pages/{page_id}/acknowledge", "/api/v1/on-call"} <= set(document["paths"])


def test_the_doctor_finds_a_whole_way_from_alert_to_answer(tmp_path: Path) -> None:
    put_migrated(tmp_path / "data")
    with Mailbox(tmp_path / "mail") as mailbox:
        said = raglan(tmp_path / "data", "doctor", "--json", smtp_url=mailbox.url)
    found = {finding["name"]: finding for finding in json.loads(said.stdout)}
    assert said.returncode == 0, said.stdout
    assert {"database", "disk", "time zones", "clock", "mail", "intake", "page", "acknowledge", "shutdown"} <= set(
        found
    )


def test_the_doctor_says_in_one_line_each_what_is_wrong(tmp_path: Path) -> None:
    said = raglan(tmp_path / "data", "doctor", "--no-rehearsal", smtp_url="smtp://127.0.0.1:1", typo="1")
    wrong = [line for line in said.stdout.splitlines() if line.startswith("WRONG")]
    assert said.returncode == 1
    assert [line.split()[1] for line in wrong] == ["options", "database", "mail"]


def test_options_that_do_not_fit_stop_the_doctor_early(tmp_path: Path) -> None:
    said = raglan(tmp_path / "data", "doctor", port="many")
    assert said.returncode == 1
    assert said.stdout.startswith("WRONG  options      port: ")
