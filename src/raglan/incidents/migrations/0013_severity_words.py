"""What severities are called here."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0012_tasks"),
    ]

    operations = [
        migrations.CreateModel(
            name="SeverityWords",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "severity",
                    models.CharField(
                        choices=[
                            ("sev1", "Users cannot use it"),
                            ("sev2", "Users are held up"),
                            ("sev3", "Some users notice"),
                            ("sev4", "Users do not notice"),
                            ("unknown", "Not known yet"),
                        ],
                        max_length=10,
                        unique=True,
                    ),
                ),
                ("words", models.CharField(max_length=80)),
            ],
        ),
    ]
