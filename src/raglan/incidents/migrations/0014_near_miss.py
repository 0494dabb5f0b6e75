"""Near misses, and what kept them from being worse."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0013_severity_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="kept",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="incident",
            name="kind",
            field=models.CharField(
                choices=[("incident", "Incident"), ("near_miss", "Near miss")],
                db_default="incident",
                default="incident",
                max_length=10,
            ),
        ),
    ]
