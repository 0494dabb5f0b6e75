"""One raglan for one data folder, by a lock that the kernel gives back when the process dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from raglan.core.db.files import make_private
from raglan.core.errors import Conflict

NAME = "raglan.lock"


class DataFolderInUse(Conflict):
    """Another process serves this data folder."""

    code = "data_folder_in_use"


class DataLock:
    """The right to use a data folder, held until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the folder back; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(data_dir: Path) -> DataLock:
    """Take the data folder for this process, or raise `DataFolderInUse` naming the one that has it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / NAME
    # The file is never removed: a second process could lock a removed one while a third makes it anew.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        process = f" (process {holder})" if holder else ""
        raise DataFolderInUse(f"Another raglan{process} is running on {data_dir}. Stop it first.") from None
    except OSError:
        os.close(descriptor)
        raise
    make_private(path)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return DataLock(descriptor)
