"""A file that holds room on the disk, and is given up when there is no other room left.

SQLite can neither delete nor tidy up on a full disk. So a reserve is freed at the first sign: what was accepted is
still delivered and recorded, critical signals are taken, all others are refused with a time to come back, `/healthz`
fails, no sign of life goes out, and our own people are paged. When the reserve is spent too, nothing more is taken.
When there is room again the reserve is made anew, without a restart.
"""

import os
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from raglan.core import logs, signs, timeline
from raglan.core.db import atomic
from raglan.paging import actions as paging
from raglan.paging.models import Page

NAME = "reserve"
EVERY_S = 1.0
MB = 1024 * 1024
PAGED = f"disk full on {socket.gethostname()}"[:80]
RETRY_S = 30
log = logs.get("raglan.reserve")


class DiskFull(timeline.EventPayload):
    """The reserve was given up; `page` tells our own people."""

    kind = "disk.full"
    free_mb: int
    page: int


class DiskHasRoom(timeline.EventPayload):
    """There is room again, and the reserve is back."""

    kind = "disk.has_room"
    free_mb: int
    page: int


class Reserve:
    """Looks every second.

    `is_used` tells that the reserve was given up and is not back, `is_spent` that little of it is left either.
    """

    def __init__(self, folder: Path, size_mb: int) -> None:
        self.is_used = False
        self.is_spent = False
        self._path = folder / NAME
        self._size = size_mb * MB
        self._least = max(MB, self._size // 8)
        self._told = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raglan-reserve", daemon=True)

    def start(self) -> None:
        """Make the reserve, and start looking."""
        if self._size:
            self.look()
            self._thread.start()

    def stop(self) -> None:
        """Look no more; the file stays."""
        self._stopping.set()

    @property
    def words(self) -> str:
        """Say how it is, for people."""
        if self.is_spent:
            return "is full, and so is its reserve: new signals are refused, what was accepted is delivered"
        if self.is_used:
            return "is full: critical signals only are taken, what was accepted is delivered"
        return "has room"

    def look(self) -> None:
        """Look once."""
        free, held = self._free(), self._held()
        if held and free < self._least:
            self._path.unlink(missing_ok=True)
            self.is_used = True
            log.critical("the disk is full; the reserve is given up", extra={"free_mb": free // MB})
        elif not held and free >= self._size + 2 * self._least:
            self._make()
            if self.is_used:
                log.warning("the disk has room again")
            self.is_used = False
        elif not held:
            self.is_used = True  # a start on a disk that is full already
        self.is_spent = self.is_used and self._free() < self._least

    def tell(self) -> None:
        """Page our own people about a full disk, once; end that page when there is room. Raises what it raises."""
        if self.is_used == self._told:
            return
        with atomic():
            last = signs.last(PAGED)
            paged = int(str(last.data["page"])) if last else 0
            if self.is_used and not paged:
                words = paging.Words("The disk of raglan is full", "Critical alerts only are taken.", "critical")
                page = paging.start(paging.ensure_fallback(), words, reason=paging.Reason(type="disk"))
                timeline.append(DiskFull(free_mb=self._free() // MB, page=page.pk), about=["raglan:disk", page])
                signs.note(PAGED, page=page.pk)
            elif not self.is_used and paged:
                if (found := Page.objects.filter(pk=paged).first()) is not None:
                    paging.resolve(found, why="the disk has room again")
                timeline.append(DiskHasRoom(free_mb=self._free() // MB, page=paged), about=["raglan:disk"])
                signs.note(PAGED, page=0)
        self._told = self.is_used

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                self.look()
                close_old_connections()
                self.tell()
            except (OSError, DatabaseError, InterfaceError) as error:
                log.warning("the reserve could not be looked after", extra={"error": str(error)})
        connections.close_all()

    def _free(self) -> int:
        return shutil.disk_usage(self._path.parent).free

    def _held(self) -> bool:
        with suppress(OSError):
            return self._path.stat().st_size >= self._size
        return False

    def _make(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        finally:
            os.close(descriptor)
