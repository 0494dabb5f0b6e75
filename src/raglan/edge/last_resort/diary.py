"""What was done while the database was away, on disk: an entry a line, synced before anything rests on it.

A line that a crash cut short was never acted on, and is taken off at the next start. The diary begins anew once the
database knows all of it and nothing waits in the spool.
"""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from raglan.core import logs
from raglan.core.faults import fault_point
from raglan.edge.last_resort.cases import Cases, Entry
from raglan.edge.spool import sync_folder

log = logs.get("raglan.last_resort")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Diary:
    """A file of entries, and what they come to. `lock` is held by whoever reads `cases` while others may write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self.lock = threading.RLock()
        self._written = 0
        self._told = 0
        self.cases = Cases(self._read())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done."""
        return self._written == 0

    @property
    def has_news(self) -> bool:
        """Whether it holds what the database was not told."""
        return self._told < self._written

    def add(self, entries: Sequence[Entry], *, applied: bool = False) -> None:
        """Put entries on disk and let them count. Raises OSError when they are not on disk."""
        if not entries:
            return
        with self.lock:
            if self._file < 0:
                self._open()
            data = b"".join(_encode(entry) + b"\n" for entry in entries)
            before = os.fstat(self._file).st_size
            try:
                _write_all(self._file, data)
                fault_point("diary.before_sync")
                os.fdatasync(self._file)
            except OSError:
                os.ftruncate(self._file, before)
                raise
            self._written += len(entries)
            for entry in () if applied else entries:
                self.cases.apply(entry)

    def told(self, upto: int) -> None:
        """Note that the database knows the first entries."""
        with self.lock:
            self._told = max(self._told, upto)

    @property
    def written(self) -> int:
        """How many entries there are."""
        return self._written

    def begin_anew(self) -> bool:
        """Forget all, if the database knows all; tell whether it was so."""
        with self.lock:
            if self.has_news:
                return False
            fault_point("diary.before_end")
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            self._path.unlink(missing_ok=True)
            self._written = self._told = 0
            self.cases = Cases()
            return True

    def _open(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        sync_folder(self._path.parent)

    def _read(self) -> list[Entry]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        whole = data.rpartition(b"\n")[0]
        entries: list[Entry] = []
        kept = 0
        for line in whole.split(b"\n") if whole else ():
            try:
                entries.append(_decode(line))
            except msgspec.DecodeError:
                log.error("a line of the diary can not be read; what follows it is left out")
                break
            kept += len(line) + 1
        if kept < len(data):
            os.truncate(self._path, kept)
        self._written = len(entries)
        return entries


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
