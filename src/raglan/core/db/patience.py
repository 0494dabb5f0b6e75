"""Changing tables of PostgreSQL while nodes of an older version write to them.

Whoever wants a table for itself waits until those who use it have ended, and keeps everybody out who comes meanwhile: a
backup that reads for an hour would let no page be sent for as long. So nobody waits for a table longer than a moment.
What was begun is taken back then, and tried again after a pause in which the others go on.

The moment is a little longer than the server's own `deadlock_timeout`, three seconds at most: only where a wait went on
for so long does PostgreSQL end an autovacuum that stands in the way.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from raglan.core import logs

T = TypeVar("T")
LONGER_MS = 500
PAUSE_S = 2.0
PATIENCE_S = 600.0
SHOWN = 120
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"
WAIT_A_MOMENT = """
SELECT moment, set_config('lock_timeout', moment || 'ms', false)
FROM (SELECT least(setting::int + %s, 3000) AS moment FROM pg_settings WHERE name = 'deadlock_timeout') AS own
"""
log = logs.get("raglan.db")


def by_turns(
    connection: BaseDatabaseWrapper, change: Callable[[], T], *, sleep: Callable[[float], object] = time.sleep
) -> T:
    """Do what changes tables and may be begun again; on PostgreSQL it gets each lock soon, or begins again later.

    Raises OperationalError when it was refused until ten minutes were waited; the log says at which statement.
    """
    if connection.vendor != "postgresql":
        return change()
    waited_s, last = 0.0, _Last()
    try:
        moment_s = _wait_a_moment_only(connection)
        while True:
            try:
                with connection.execute_wrapper(last):
                    return change()
            except OperationalError as error:
                waited_s += moment_s + PAUSE_S  # what was done in between is no waiting, however long it takes
                is_refused = getattr(error.__cause__, "sqlstate", "") in (LOCK_NOT_AVAILABLE, DEADLOCK)
                if not is_refused or waited_s >= PATIENCE_S:
                    raise
                about = {"error": str(error), "statement": last.statement}
                log.warning("a table is in use; its change is tried again soon", extra=about)
            sleep(PAUSE_S)
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


class _Last:
    """Knows the first words of the last statement."""

    statement = ""

    def __call__(self, execute: Callable[..., Any], sql: object, params: object, many: bool, context: object) -> Any:
        self.statement = " ".join(str(sql)[: 2 * SHOWN].split())[:SHOWN]
        return execute(sql, params, many, context)


def _wait_a_moment_only(connection: BaseDatabaseWrapper) -> float:
    """Let this connection wait for no lock longer than a moment; return that, in seconds."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT_A_MOMENT, [LONGER_MS])
        (moment_ms, _) = cursor.fetchone()
    return float(moment_ms) / 1000
