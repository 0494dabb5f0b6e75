"""How the suite empties its database after a test that committed: only what has rows, and nothing is put back.

Django would truncate every table, and then write permissions and content types for each model, of which raglan uses
none: half a second for each such test, and a whole one on PostgreSQL.
"""

from collections.abc import Iterable

from django.contrib.auth.management import create_permissions
from django.contrib.contenttypes.management import create_contenttypes
from django.core.management.color import Style
from django.db import connection
from django.db.models.signals import post_migrate


def be_brief() -> None:
    """Empty briefly from now on; the database is made already."""
    post_migrate.disconnect(create_permissions, dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    if connection.vendor == "postgresql":
        connection.ops.sql_flush = _delete  # type: ignore[method-assign]  # of this suite's connection only


def _delete(style: Style, tables: Iterable[str], **options: bool) -> list[str]:
    """Return statements that empty the tables that have rows; keys to others are looked at when all are gone."""
    listed = list(tables)
    if not listed:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in listed)
        )
        return [f'DELETE FROM "{table}"' for (table,) in cursor.fetchall()]
