"""Whether the disk of `data_dir` has room for what can wait or go elsewhere, such as files that people attach."""

import shutil
from collections.abc import Callable

from raglan.config import config

MIB = 1024 * 1024
WRITTEN = 2  # SQLite writes each byte to its log first, then to its file
_told: list[Callable[[], bool]] = []


def short_when(tells: Callable[[], bool]) -> None:
    """Let somebody who looks after the disk say that it is short."""
    _told.append(tells)


def is_short(more: int = 0) -> bool:
    """Tell whether so many bytes more would take room that pages and alerts need."""
    if any(tells() for tells in _told):
        return True
    options = config()
    free = shutil.disk_usage(options.data_dir.absolute()).free
    return free < WRITTEN * more + options.disk_reserve_mb * MIB
