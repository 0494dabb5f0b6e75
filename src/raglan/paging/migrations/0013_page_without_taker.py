"""Pages are not looked for by who took them, and people are never deleted, so no page is written to an index of that.

This and the next three are for one table each, with one lock: nodes that still run an older version hold rows of a
page while they wait to write its messages.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

NAME = "paging_page_acknowledged_by_id_cd06276a"


class Migration(migrations.Migration):
    dependencies = [
        ("paging", "0012_last_resort"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[  # altering the column would copy the table on SQLite
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{NAME}"', f'CREATE INDEX "{NAME}" ON "paging_page" ("acknowledged_by_id")'
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="page",
                    name="acknowledged_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
