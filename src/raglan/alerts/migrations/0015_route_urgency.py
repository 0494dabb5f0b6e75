"""A route may say how urgent its pages are; an open group keeps what its routes said."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0014_flapping"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertgroup",
            name="urgencies",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="route",
            name="urgency",
            field=models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
    ]
