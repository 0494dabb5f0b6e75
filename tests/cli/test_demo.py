"""The demo with its own server, as `make run` starts it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from raglan.cli.children import status_of
from tests.support.ports import free_port
from tests.support.server import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
STORY_S = 180


class Demo:
    """A demo that runs in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
        self.port = free_port()
        env |= {"RAGLAN_DATA_DIR": str(folder / "data"), "RAGLAN_PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        self._log = folder / "log"
        command = [sys.executable, "-m", "raglan", "demo", "--serve", *arguments]
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=folder)

    def wait_for(self, words: str) -> str:
        """Return everything it said, once it has said these words."""
        until = time.monotonic() + STORY_S
        while words not in (said := self._log.read_text(errors="replace")):
            assert self._process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)
        return said

    def end(self) -> int:
        """Ask it to end as Ctrl-C does, and return its exit code."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


@pytest.mark.timeout(400)
def test_the_story_is_played_once_and_the_data_is_kept(tmp_path: Path) -> None:
    first = Demo(tmp_path, "--speed", "max")
    said = first.wait_for("raglan keeps running at")
    assert "Lowest serving: 7 of 400, minute 11." in said
    assert "All serving: minute 15." in said
    assert first.end() == 0
    with closing(sqlite3.connect(next((tmp_path / "data").glob("*.sqlite3")))) as kept:
        seen = "SELECT version, last_seen_at IS NULL FROM fleet_mirrorpackage WHERE name = 'httpd' ORDER BY version"
        assert kept.execute(seen).fetchall() == [("2.2.31-1", 0), ("2.2.32-1", 1)]
        assert kept.execute("SELECT role, version, lost_since FROM fleet_pin").fetchall() == [
            ("httpd", "2.2.32-1", None)
        ]
    assert status_of("127.0.0.1", first.port, "/livez") == 0
    again = Demo(tmp_path)
    assert "Lowest serving" not in again.wait_for("raglan keeps running at")
    assert again.end() == 0
    assert list((tmp_path / "data" / "mail").glob("*.eml"))


def processes_of(folder: Path) -> list[int]:
    """Return the processes that have this folder's demo in their environment; one that ends meanwhile has none."""
    mark = f"RAGLAN_DATA_DIR={folder}/data".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += [int(process.name)] if mark in (process / "environ").read_bytes().split(b"\0") else []
    return found


@pytest.mark.timeout(400)
def test_a_story_that_is_broken_off_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = Demo(tmp_path, "--speed", "1")
    demo.wait_for("T-90 min")
    assert len(processes_of(tmp_path)) >= 2
    assert demo.end() == 0
    assert status_of("127.0.0.1", demo.port, "/livez") == 0
    until(lambda: processes_of(tmp_path) == [])


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
        env |= {"RAGLAN_DATA_DIR": str(tmp_path / "data"), "RAGLAN_PORT": str(taken.getsockname()[1])}
        command = [sys.executable, "-m", "raglan", "demo", "--serve"]
        said = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=100, cwd=tmp_path)
    assert said.returncode == 1
    assert said.stderr.startswith("Error: Port ")


def test_the_levers_are_shown_without_a_server(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "raglan", "demo", "--levers"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "How the system behaves under other settings" in said.stdout
