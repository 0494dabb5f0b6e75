"""When whoever leads was reminded of a promised update."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0006_asked_whom"),
    ]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="update_reminded_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
