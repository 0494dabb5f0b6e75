"""Changing tables of PostgreSQL while nodes of an older version write to them.

Whoever wants a table for itself waits until those who use it have ended, and keeps everybody out who comes meanwhile: a
backup that reads for an hour would let no page be sent for as long. So nobody waits for a table longer than a moment.
What was begun is taken back then, and tried again after a pause in which the others go on.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from raglan.core import logs

T = TypeVar("T")
LOCK_WITHIN_MS = 1_000
PAUSE_S = 2.0
PATIENCE_S = 600.0
LOCK_NOT_AVAILABLE = "55P03"
log = logs.get("raglan.db")


def by_turns(
    connection: BaseDatabaseWrapper, change: Callable[[], T], *, sleep: Callable[[float], object] = time.sleep
) -> T:
    """Do what changes tables and may be begun again; on PostgreSQL it gets each lock soon, or begins again later.

    Raises OperationalError, which says what it waited for, when that went on for ten minutes.
    """
    if connection.vendor != "postgresql":
        return change()
    until = time.monotonic() + PATIENCE_S
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_WITHIN_MS}ms"])
        while True:
            try:
                return change()
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE or time.monotonic() >= until:
                    raise
                log.warning("a table is in use; its change is tried again soon", extra={"error": str(error)})
            sleep(PAUSE_S)
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
