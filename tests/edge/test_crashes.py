"""raglan that ends unexpectedly again and again starts with what pages, and nothing else."""

import signal
import time
from pathlib import Path

import pytest

from raglan.edge import crashes
from tests.edge.test_life_of_a_process import Process
from tests.support.ports import free_port
from tests.support.server import put_migrated


def test_starts_without_an_orderly_end_are_counted(tmp_path: Path) -> None:
    assert [crashes.begun(tmp_path) for _ in range(4)] == [0, 1, 2, 3]

    crashes.ended(tmp_path)

    assert crashes.begun(tmp_path) == 0


def test_old_starts_and_rubbish_do_not_count(tmp_path: Path) -> None:
    (tmp_path / crashes.NAME).write_text(f"{time.time() - 301}\n{time.time() + 3600}\n")
    assert crashes.begun(tmp_path) == 0

    (tmp_path / crashes.NAME).write_text("rubbish")
    assert crashes.begun(tmp_path) == 0


def test_a_folder_that_can_not_be_written_is_no_reason_not_to_start(tmp_path: Path) -> None:
    assert crashes.begun(tmp_path / "missing") == 0
    crashes.ended(tmp_path / "missing")


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_after_unexpected_ends_only_what_pages_runs_until_an_orderly_restart(tmp_path: Path) -> None:
    data = put_migrated(tmp_path / "data")
    looks, port = [], str(free_port())
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGTERM):
        process = Process(data, port=port, safe_mode_after="1")
        try:
            process.wait()
            looks.append((process.get("/account/login/")[0], b"safe mode" in process.get("/healthz")[1]))
        finally:
            process.end(number)
            process.log.close()

    assert looks == [(200, False), (503, True), (200, False)]
