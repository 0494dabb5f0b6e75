import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oncall", "0006_notices_and_cover_requests"),
    ]

    operations = [
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("name", models.CharField(blank=True, default="", max_length=80)),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holidays", to="oncall.schedule"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("schedule", "day"), name="holiday_once")],
            },
        ),
    ]
