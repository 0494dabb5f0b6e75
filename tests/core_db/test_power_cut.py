"""What a disk may hold after a power cut, and whether every acknowledged row is in it.

Killing the process cannot tell the settings apart, because the kernel still has what was written. So the writer's
calls are logged, and the test builds the images that a cut may leave: all that was synced, and of everything later
each write kept, dropped or torn.
"""

import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.core_db.acknowledging_writer import ACKNOWLEDGED

HERE = Path(__file__).parent
ROWS = 300
IMAGES = 60
SECTOR = 512
# Often, so that cuts fall into checkpoints as well.
OFTEN = "PRAGMA wal_autocheckpoint = 40"
HEADER = struct.Struct("<cHqI")


class Operation(NamedTuple):
    """One change to a file, or a sync of it."""

    kind: str
    path: Path
    offset: int
    data: bytes


@dataclass
class Disk:
    """Files as they are known to be on the disk, and what was written since without a sync."""

    files: dict[Path, bytearray] = field(default_factory=dict)
    unsynced: dict[Path, list[Operation]] = field(default_factory=dict)
    acknowledged: int = 0

    def take(self, operation: Operation) -> None:
        """Follow the program by one step."""
        if operation.path.name == ACKNOWLEDGED:
            if operation.kind == "W":
                self.acknowledged = int(operation.data)
        elif operation.kind == "S":
            for pending in self.unsynced.pop(operation.path, []):
                self.apply(pending)
        elif operation.kind == "U":
            self.files.pop(operation.path, None)
            self.unsynced.pop(operation.path, None)
        else:
            self.unsynced.setdefault(operation.path, []).append(operation)

    def apply(self, operation: Operation) -> None:
        """Let one write or truncation reach the disk."""
        content = self.files.setdefault(operation.path, bytearray())
        if operation.kind == "T":
            del content[operation.offset :]
            return
        content.extend(bytes(max(0, operation.offset - len(content))))
        content[operation.offset : operation.offset + len(operation.data)] = operation.data

    def cut(self, chance: random.Random) -> None:
        """Lose the power: of what was not synced each write is kept, dropped or torn."""
        share_kept = chance.choice([0.0, 0.4, 0.4, 1.0])
        for pending in self.unsynced.values():
            for operation in pending:
                if chance.random() < share_kept:
                    self.apply(operation)
                elif share_kept and operation.kind == "W" and chance.random() < 0.5:
                    self.tear(operation, chance)

    def tear(self, operation: Operation, chance: random.Random) -> None:
        """Let some sectors of a write reach the disk."""
        for start in range(0, len(operation.data), SECTOR):
            if chance.random() < 0.5:
                part = operation.data[start : start + SECTOR]
                self.apply(operation._replace(offset=operation.offset + start, data=part))


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logger, compiled."""
    library = tmp_path_factory.mktemp("shim") / "powercut.so"
    subprocess.run(
        ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, HERE / "powercut.c", "-ldl", "-lpthread"],
        check=True,
        capture_output=True,
    )
    return library


def command(folder: Path, rows: int, pragmas: str) -> list[str]:
    return [sys.executable, "-m", "tests.core_db.acknowledging_writer", str(folder), str(rows), pragmas]


def environment(**more: str) -> dict[str, str]:
    root = HERE.parent.parent
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")]), **more}


def operations_of(shim: Path, folder: Path, pragmas: str) -> list[Operation]:
    """Run the writer and read the log of what it did."""
    data, log = folder / "data", folder / "log"
    data.mkdir()
    preload = environment(LD_PRELOAD=str(shim), POWERCUT_DIR=str(data.resolve()), POWERCUT_LOG=str(log))
    subprocess.run(command(data, ROWS, pragmas), check=True, env=preload)
    return list(parse(log.read_bytes()))


def parse(log: bytes) -> Iterator[Operation]:
    position = 0
    while position < len(log):
        kind, name_length, offset, length = HEADER.unpack_from(log, position)
        position += HEADER.size
        path = Path(log[position : position + name_length].decode())
        position += name_length
        # The shared-memory file is no part of what lasts: SQLite builds it anew.
        if not path.name.endswith("-shm"):
            yield Operation(kind.decode(), path, offset, log[position : position + length])
        position += length


def rows_in(disk: Disk, folder: Path) -> int | None:
    """Open the image and count its rows; None if it is damaged."""
    folder.mkdir()
    for path, content in disk.files.items():
        (folder / path.name).write_bytes(content)
    try:
        with closing(sqlite3.connect(folder / "raglan.sqlite3")) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return None
            if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'note'").fetchone():
                return 0
            (rows, last) = database.execute("SELECT count(*), coalesce(max(id), 0) FROM note").fetchone()
            return int(rows) if rows == last else None
    except sqlite3.DatabaseError:
        return None


def verdicts(operations: list[Operation], folder: Path, *, images: int = IMAGES) -> list[str]:
    """Cut the power at random places, and say of each image: kept, lost or damaged."""
    chance = random.Random(20)
    start = next(number for number, step in enumerate(operations) if step.path.name == ACKNOWLEDGED)
    result = []
    for image in range(images):
        disk = Disk()
        for operation in operations[: chance.randrange(start + 1, len(operations))]:
            disk.take(operation)
        disk.cut(chance)
        rows = rows_in(disk, folder / str(image))
        result.append("damaged" if rows is None else "lost" if rows < disk.acknowledged else "kept")
    return result


def test_no_power_cut_loses_an_acknowledged_row(shim: Path, tmp_path: Path) -> None:
    operations = operations_of(shim, tmp_path, OFTEN)

    assert sum(step.kind == "S" and step.path.name.endswith("-wal") for step in operations) >= ROWS
    assert set(verdicts(operations, tmp_path)) == {"kept"}


def test_control_synchronous_normal_loses_acknowledged_rows(shim: Path, tmp_path: Path) -> None:
    found = verdicts(operations_of(shim, tmp_path, f"PRAGMA synchronous = NORMAL; {OFTEN}"), tmp_path)

    assert found.count("lost") > IMAGES // 10
    assert "damaged" not in found


def test_control_synchronous_off_damages_the_database(shim: Path, tmp_path: Path) -> None:
    found = verdicts(operations_of(shim, tmp_path, f"PRAGMA synchronous = OFF; {OFTEN}"), tmp_path)

    assert found.count("damaged") > IMAGES // 10


def test_a_killed_writer_leaves_every_acknowledged_row(tmp_path: Path) -> None:
    for life in range(3):
        folder = tmp_path / str(life)
        folder.mkdir()
        with subprocess.Popen(command(folder, 10**9, OFTEN), env=environment()) as writer:
            while acknowledged_in(folder) < 50 * (life + 1):
                assert writer.poll() is None
            writer.send_signal(signal.SIGKILL)

        with closing(sqlite3.connect(folder / "raglan.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT max(id) FROM note").fetchone()[0] >= acknowledged_in(folder)


def acknowledged_in(folder: Path) -> int:
    """Give the last number that the writer noted."""
    path = folder / ACKNOWLEDGED
    whole_lines = path.read_bytes().rpartition(b"\n")[0].split(b"\n") if path.exists() else []
    return int(whole_lines[-1]) if whole_lines and whole_lines[-1] else 0
