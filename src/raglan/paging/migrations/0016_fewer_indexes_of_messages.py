"""A message is no longer written to the indexes that others cover, or nobody asks."""

import django.db.models.deletion
from django.db import migrations, models

NAME = "paging_notification_page_id_0f5f9657"


class Migration(migrations.Migration):
    dependencies = [("paging", "0015_messages_to_one_person")]

    operations = [
        migrations.RemoveIndex(model_name="notification", name="notification_page"),
        migrations.RemoveIndex(model_name="notification", name="notification_provider_id"),
        migrations.RemoveIndex(model_name="notification", name="notification_provider"),
        migrations.SeparateDatabaseAndState(
            database_operations=[  # altering the column would copy the table on SQLite
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{NAME}"', f'CREATE INDEX "{NAME}" ON "paging_notification" ("page_id")'
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="notification",
                    name="page",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="paging.page",
                    ),
                ),
            ],
        ),
    ]
