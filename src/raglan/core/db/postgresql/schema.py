"""Migrations, which may take as long as they take."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from django.db.backends.postgresql import schema

from raglan.core.db.deadlines import no_deadline


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Django's, without the deadline: building an index over a large table is slow, not stuck."""

    def __enter__(self) -> Self:
        self._lifted = ExitStack()
        self._lifted.enter_context(no_deadline())
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lifted:
            super().__exit__(kind, error, trace)
