"""A page with its first message is written to five indexes fewer: those that another one covers, or nobody asks."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OF_PAGE, OF_REACHED, OF_TAKER = (
    "paging_notification_page_id_0f5f9657",
    "paging_reached_page_id_71e1befa",
    "paging_page_acknowledged_by_id_cd06276a",
)


def dropped(name: str, table: str, column: str) -> migrations.RunSQL:
    """Altering the column would copy the table on SQLite."""
    return migrations.RunSQL(f'DROP INDEX IF EXISTS "{name}"', f'CREATE INDEX "{name}" ON "{table}" ("{column}")')


class Migration(migrations.Migration):
    dependencies = [
        ("paging", "0012_last_resort"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(model_name="notification", name="notification_provider_id"),
        migrations.RemoveIndex(model_name="notification", name="notification_provider"),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("handed_over_at__isnull", False)),
                fields=["provider", "handed_over_at"],
                name="notification_provider",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                dropped(OF_PAGE, "paging_notification", "page_id"),
                dropped(OF_REACHED, "paging_reached", "page_id"),
                dropped(OF_TAKER, "paging_page", "acknowledged_by_id"),
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
        migrations.AddIndex(
            model_name="page",
            index=models.Index(
                condition=models.Q(("acknowledged_by__isnull", False)),
                fields=["acknowledged_by"],
                name="page_acknowledged_by",
            ),
        ),
    ]
