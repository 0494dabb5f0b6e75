"""Constraints that only one of the two databases needs."""

from typing import Any

from django.db import models


class UniqueOnPostgreSQL(models.UniqueConstraint):
    """A unique constraint that SQLite, with its one writer, is spared: the code that writes keeps it there."""

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:  # noqa: D102 -- Django's
        return super().constraint_sql(model, schema_editor) if _has_it(schema_editor) else None

    def create_sql(self, model: Any, schema_editor: Any) -> Any:  # noqa: D102
        return super().create_sql(model, schema_editor) if _has_it(schema_editor) else None

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:  # noqa: D102
        return super().remove_sql(model, schema_editor) if _has_it(schema_editor) else None


def _has_it(schema_editor: Any) -> bool:
    return bool(schema_editor.connection.vendor == "postgresql")
