import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from raglan.core.db import lock

HOLD = """
import sys
from pathlib import Path
from raglan.core.db import lock
held = lock.acquire(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_has_the_folder(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(lock.DataFolderInUse, match=rf"process {process.pid}\).*Stop it first"):
            lock.acquire(tmp_path)
        process.kill()


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()

    lock.acquire(tmp_path).release()


def test_one_process_cannot_take_it_twice_but_again_after_release(tmp_path: Path) -> None:
    with lock.acquire(tmp_path / "new") as held:
        with pytest.raises(lock.DataFolderInUse):
            lock.acquire(tmp_path / "new")
        held.release()
        lock.acquire(tmp_path / "new").release()


def test_the_lock_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    with lock.acquire(tmp_path):
        assert (tmp_path / lock.NAME).stat().st_mode & 0o077 == 0
