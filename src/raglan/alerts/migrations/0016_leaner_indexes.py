"""A new alert is written to one index of fingerprints instead of two, a message to one index of its source."""

import django.db.models.deletion
from django.db import migrations, models

OF_SOURCE = "alerts_signal_source_id_7a96177f"


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0015_route_urgency"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="alert", name="alert_openings"),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("state", "resolved")),
                fields=["fingerprint", "-received_at"],
                name="alert_episodes",
            ),
        ),
        migrations.SeparateDatabaseAndState(  # altering the column would copy the table on SQLite
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX IF EXISTS "{OF_SOURCE}"',
                    f'CREATE INDEX "{OF_SOURCE}" ON "alerts_signal" ("source_id")',
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="signal",
                    name="source",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signals",
                        to="alerts.source",
                    ),
                )
            ],
        ),
    ]
