"""Requests that were taken while the database was away: on this node's own disk, in order, until it is back.

A record is a length, a CRC-32 and a body of JSON; what was answered with 2xx is synced. Records lie in segments, so
that what was handed over gives its room back. `done` names the first record that was not handed over yet; it moves
after the hand-over, so that a crash in between hands a few over again, which for signals is a repeat.
"""

import json
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from raglan.core import logs
from raglan.core.errors import Overloaded
from raglan.core.faults import fault_point

MB = 1024 * 1024
SEGMENT = 8 * MB
HEAD = struct.Struct(">II")
MOST_RECORD = 4 * MB
log = logs.get("raglan.spool")
Place = tuple[int, int]  # segment, offset in it
Record = dict[str, object]


class Spool:
    """A queue on disk, written by many threads and read by one. `most_mb` bounds it."""

    def __init__(self, folder: Path, *, most_mb: int) -> None:
        self._folder = folder
        self._most = most_mb * MB
        self._file = -1
        self._segment = 0
        self._offset = 0
        self._written = 0
        self._synced = 0
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._done: Place = self._read_done()
        self._waiting = sum(1 for _ in self._records(self._done))
        self._used = sum(self._path(segment).stat().st_size for segment in self._segments())
        self.is_needed = self._waiting > 0
        self._moved = time.monotonic()

    @property
    def waiting(self) -> int:
        """How many records were not handed over yet."""
        return self._waiting

    @property
    def has_room(self) -> bool:
        """Whether another record may be added."""
        return self._used < self._most

    @property
    def stuck_since(self) -> float | None:
        """Since when nothing of what waits was handed over (monotonic); None while nothing waits."""
        return self._moved if self.is_needed and self._waiting else None

    def after(self, place: Place, most: int) -> list[tuple[Record, Place]]:
        """Return records behind a place, and not before the oldest that waits, each with the place behind it."""
        found: list[tuple[Record, Place]] = []
        for record, behind in self._records(max(place, self._done)):
            found.append((record, behind))
            if len(found) >= most:
                break
        return found

    def open(self) -> None:
        """Let records be added: the database is away."""
        if not self.is_needed:
            self._moved = time.monotonic()
        self.is_needed = True

    def add(self, record: Record) -> bool:
        """Put a record on disk; False when the spool was closed meanwhile. Raises Overloaded when there is no room."""
        body = json.dumps(record, separators=(",", ":")).encode()
        with self._writing:
            if not self.is_needed:
                return False
            self._write(HEAD.pack(len(body), zlib.crc32(body)) + body)
            mine = self._written
        fault_point("spool.before_sync")
        self._sync(mine)
        return True

    def first(self, most: int) -> list[tuple[Record, Place]]:
        """Return the oldest records, each with the place behind it."""
        found = []
        for record, place in self._records(self._done):
            found.append((record, place))
            if len(found) >= most:
                break
        return found

    def done(self, count: int, place: Place) -> None:
        """Forget the oldest records, up to a place."""
        fault_point("spool.before_done")
        with self._writing:
            self._done = place
            self._moved = time.monotonic()
            self._waiting -= count
            self._write_done()
            for segment in self._segments():
                if segment < place[0]:
                    self._used -= self._path(segment).stat().st_size
                    self._path(segment).unlink(missing_ok=True)

    def close_if_empty(self) -> bool:
        """Take no more when all was handed over; tell whether that is so."""
        with self._writing:
            if self._waiting:
                return False
            self.is_needed = False
            self._end_segment()
            for segment in self._segments():
                self._path(segment).unlink(missing_ok=True)
            self._used = 0
            return True

    def end(self) -> None:
        """Write no more; what waits stays on disk for whoever opens the folder next."""
        with self._writing:
            self._end_segment()

    def set_aside(self, record: Record, why: str) -> None:
        """Keep what could not be handed over where a person finds it."""
        line = json.dumps({"why": why, **record}, separators=(",", ":")) + "\n"
        with (self._folder / "refused").open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def _write(self, data: bytes) -> None:
        if self._used + len(data) > self._most:
            raise Overloaded("The database does not answer, and the spool is full. Send this again.", retry_after=10)
        try:
            if self._file < 0 or self._offset >= SEGMENT:
                self._begin_segment()
            _write_all(self._file, data)
        except OSError as error:
            self._end_segment()  # what was written in part is not read: a new segment begins with the next record
            log.critical("a signal could not be written to the spool", extra={"error": str(error)})
            raise Overloaded("The database does not answer, nor does the disk. Send this again.") from error
        self._offset += len(data)
        self._used += len(data)
        self._written += 1
        self._waiting += 1

    def _sync(self, mine: int) -> None:
        """Wait until a record is on disk; whoever comes first syncs for all who wait."""
        with self._syncing:
            if self._synced >= mine:
                return
            with self._writing:
                upto, file = self._written, self._file
                copy = os.dup(file) if file >= 0 else -1  # a segment that ended was synced when it did
            if copy >= 0:
                try:
                    os.fdatasync(copy)
                finally:
                    os.close(copy)
            self._synced = upto

    def _begin_segment(self) -> None:
        self._end_segment()
        self._segment = max([self._done[0], self._segment, *self._segments()]) + 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._file = os.open(self._path(self._segment), flags, 0o600)
        self._offset = 0
        sync_folder(self._folder)

    def _end_segment(self) -> None:
        if self._file >= 0:
            os.fdatasync(self._file)
            os.close(self._file)
            self._file = -1

    def _segments(self) -> list[int]:
        return sorted(int(path.stem) for path in self._folder.glob("*.log"))

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:010d}.log"

    def _records(self, since: Place) -> Iterator[tuple[Record, Place]]:
        for segment in self._segments():
            if segment >= since[0]:
                with suppress(FileNotFoundError):  # it was handed over meanwhile
                    yield from self._of_segment(segment, since[1] if segment == since[0] else 0)

    def _of_segment(self, segment: int, offset: int) -> Iterator[tuple[Record, Place]]:
        """Read a segment up to its end, or up to what a crash left in part: that was never answered."""
        with self._path(segment).open("rb") as file:
            file.seek(offset)
            while len(head := file.read(HEAD.size)) == HEAD.size:
                length, crc = HEAD.unpack(head)
                body = file.read(length) if length <= MOST_RECORD else b""
                if len(body) != length or zlib.crc32(body) != crc:
                    log.warning("the end of a segment of the spool is torn", extra={"segment": segment})
                    return
                yield json.loads(body), (segment, file.tell())

    def _read_done(self) -> Place:
        try:
            segment, _, offset = (self._folder / "done").read_text().partition(" ")
            return int(segment), int(offset)
        except (FileNotFoundError, ValueError):
            return 0, 0

    def _write_done(self) -> None:
        path = self._folder / "done.new"
        with path.open("w") as file:
            file.write(f"{self._done[0]} {self._done[1]}")
            file.flush()
            os.fsync(file.fileno())
        path.replace(self._folder / "done")
        sync_folder(self._folder)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def sync_folder(folder: Path) -> None:
    """See to it that names in a folder are on disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
