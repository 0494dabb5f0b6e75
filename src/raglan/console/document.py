"""The OpenAPI document, made once by a process of its own, which takes what that needs with it when it ends."""

import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Mapping
from typing import cast

from raglan.core import programs
from raglan.core.errors import Overloaded

COMMAND = (sys.executable, "-m", "raglan", "openapi")
BOUNDS = programs.Bounds(seconds=60, most=8 * programs.MIB)
REST_S = 60
BUSY_S = 5
NOT_NOW = "What describes REST could not be made just now. Try again in a minute."
BEING_MADE = "What describes REST is being made. Try again in a few seconds."


class Keeper:
    """Has the document made by one at a time and keeps it; after a failure nothing is tried for a while."""

    def __init__(self) -> None:
        self._packed = b""
        self._failed_at: float | None = None
        self._making = threading.Lock()

    def packed(self) -> bytes:
        """Return the document, packed. Raises Overloaded while another makes it, and for a while when that failed."""
        if self._packed:
            return self._packed
        if not self._making.acquire(blocking=False):
            raise Overloaded(BEING_MADE, retry_after=BUSY_S)
        try:
            if not self._packed:
                self._packed = self._made()
            return self._packed
        finally:
            self._making.release()

    def _made(self) -> bytes:
        if self._failed_at is not None and time.monotonic() < self._failed_at + REST_S:
            raise Overloaded(NOT_NOW, retry_after=REST_S)
        try:
            return _make()
        except Overloaded:
            self._failed_at = time.monotonic()
            raise


def _make() -> bytes:
    """Make it where this process runs: `raglan.toml` and all that it names stand in relation to that folder."""
    try:
        made = programs.run(COMMAND, folder=os.curdir, env=os.environ, bounds=BOUNDS)
    except (OSError, programs.TooSlowError, programs.TooMuchError) as error:
        raise Overloaded(NOT_NOW, retry_after=REST_S) from error
    if made.code:
        raise Overloaded(NOT_NOW, retry_after=REST_S)
    return zlib.compress(made.out)


KEEPER = Keeper()


def text() -> bytes:
    """Return the document as JSON. Raises Overloaded when it can not be made now."""
    return zlib.decompress(KEEPER.packed())


def read() -> Mapping[str, object]:
    """Return the document. Raises Overloaded when it can not be made now."""
    return cast("Mapping[str, object]", json.loads(text()))
