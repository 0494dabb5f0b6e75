"""Django's PostgreSQL under a deadline of our own, with connections that heal themselves."""

from types import TracebackType
from typing import Any

from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg import IsolationLevel

from raglan.core.db.deadlines import deadline
from raglan.core.db.errors import DatabaseTooSlow, UnknownOutcome
from raglan.core.db.postgresql.connection import GuardedConnection, LateError, UnknownError
from raglan.core.db.postgresql.schema import DatabaseSchemaEditor

HEALTH_CHECK_SECONDS = 2.0


class ErrorWrapper(DatabaseErrorWrapper):
    """Django's translation of errors that keeps apart what is late and what is unknown."""

    wrapper: "DatabaseWrapper"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, LateError | UnknownError):
            self.wrapper.errors_occurred = True
            ours = UnknownOutcome if isinstance(error, UnknownError) else DatabaseTooSlow
            raise ours(str(error)).with_traceback(trace) from error
        super().__exit__(kind, error, trace)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL that never waits for ever."""

    SchemaEditorClass = DatabaseSchemaEditor

    @cached_property
    def wrap_database_errors(self) -> ErrorWrapper:
        """Translate the driver's errors into Django's and ours."""
        return ErrorWrapper(self)

    def get_new_connection(self, conn_params: dict[str, Any]) -> GuardedConnection:
        """Connect (`connect_timeout` bounds each host) and put the connection under the watchdog."""
        level = self.settings_dict["OPTIONS"].get("isolation_level")
        self.isolation_level = IsolationLevel.READ_COMMITTED if level is None else IsolationLevel(level)
        connection = GuardedConnection.connect(**conn_params)
        connection.guard()
        if level is not None:
            connection.isolation_level = self.isolation_level
        return connection

    def ensure_connection(self) -> None:
        """Connect again if the socket was shut, unless a transaction still has to learn of it."""
        if self.connection is not None and self.connection.closed and not self.in_atomic_block:
            self.close()
        super().ensure_connection()

    def is_usable(self) -> bool:
        """Ask the server for a sign of life, but not for long."""
        with deadline(HEALTH_CHECK_SECONDS):
            return bool(super().is_usable())
