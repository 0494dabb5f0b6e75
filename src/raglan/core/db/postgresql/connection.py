"""A psycopg connection whose every wait has an end, and which tells a failed commit from an unknown one."""

import os
import socket
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus

from raglan.core.db.deadlines import seconds_left, watchdog

T = TypeVar("T")

UNKNOWN = "The database did not answer in time. The outcome is unknown: this may or may not be stored."
UNREPLICATED = (
    "The database gave up waiting for its standby. The outcome of the commit is unknown: "
    "it is stored on one server and may be lost with it."
)
TOO_SLOW = "The database did not answer in time, so the connection was shut; nothing of the transaction is stored."


class LateError(psycopg.OperationalError):
    """The watchdog shut the socket inside a transaction."""


class UnknownError(psycopg.OperationalError):
    """The answer to a commit, or to a statement that commits itself, is not known or not to be believed."""


class GuardedConnection(psycopg.Connection[tuple[Any, ...]]):
    """psycopg's connection under the watchdog."""

    _guard: socket.socket | None = None
    _is_committing = False
    _is_unreplicated = False

    def guard(self) -> None:
        """Begin to watch; the duplicate descriptor makes sure that a reused number is never shut by mistake."""
        self._guard = socket.socket(fileno=os.dup(self.pgconn.socket))
        self.add_notice_handler(self._heed)

    def close(self) -> None:
        """Close the connection and the duplicate of its socket."""
        super().close()
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def commit(self) -> None:
        """Commit, knowing that an answer that does not come leaves the outcome open."""
        self._is_committing = True
        try:
            super().commit()
        finally:
            self._is_committing = False

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for an operation, at most until this thread's deadline."""
        self._is_unreplicated = False
        commits_itself = self.autocommit and self.pgconn.transaction_status == TransactionStatus.IDLE
        seconds = seconds_left()
        watch = None
        if self._guard is not None and seconds is not None:
            watch = watchdog.begin(self._guard, seconds + (timeout or 0.0))
        try:
            result = super().wait(gen, interval) if timeout is None else super().wait(gen, interval, timeout)
        except psycopg.OperationalError as error:
            is_late = watch is not None and watch.struck
            if (self._is_committing and self.closed) or (is_late and commits_itself):
                raise UnknownError(UNKNOWN) from error
            if is_late:
                raise LateError(TOO_SLOW) from error
            raise
        finally:
            if watch is not None:
                watchdog.end(watch)
        if self._is_unreplicated:
            raise UnknownError(UNREPLICATED)
        return result

    def _heed(self, notice: Diagnostic) -> None:
        """Note the warning by which the server reports success for a commit that no standby has."""
        # The name of the server's function is not translated, the message is.
        if notice.source_function == "SyncRepWaitForLSN" or "wait for synchronous replication" in (
            notice.message_primary or ""
        ):
            self._is_unreplicated = True
