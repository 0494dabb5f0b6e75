"""Whom a page reached is found by what makes each of them one of its kind, which begins with the page."""

import django.db.models.deletion
from django.db import migrations, models

NAME = "paging_reached_page_id_71e1befa"


class Migration(migrations.Migration):
    dependencies = [("paging", "0013_page_without_taker")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[  # altering the column would copy the table on SQLite
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{NAME}"', f'CREATE INDEX "{NAME}" ON "paging_reached" ("page_id")'
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="reached",
                    name="page",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reached",
                        to="paging.page",
                    ),
                ),
            ],
        ),
    ]
