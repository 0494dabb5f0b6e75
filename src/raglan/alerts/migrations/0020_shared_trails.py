"""Alerts on which the same was decided share its words."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0019_what_fires_in_memory"),
    ]

    operations = [
        migrations.CreateModel(
            name="Trail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("decisions", models.JSONField()),
            ],
        ),
        migrations.AddField(
            model_name="alert",
            name="shared_trail",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
