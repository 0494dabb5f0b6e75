"""SQLite keeps no index of the fingerprints that fire any more; PostgreSQL keeps its own."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import raglan.core.db.constraints

NAME = "one_open_alert_a_fingerprint"


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(f'DROP INDEX IF EXISTS "{NAME}"')


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        on = '"alerts_alert" ("fingerprint") WHERE "state" = \'firing\''
        schema_editor.execute(f'CREATE UNIQUE INDEX "{NAME}" ON {on}')


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0018_kinds_of_changes"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, make)],
            state_operations=[
                migrations.RemoveConstraint(model_name="alert", name=NAME),
                migrations.AddConstraint(
                    model_name="alert",
                    constraint=raglan.core.db.constraints.UniqueOnPostgreSQL(
                        condition=models.Q(("state", "firing")), fields=("fingerprint",), name=NAME
                    ),
                ),
            ],
        ),
    ]
