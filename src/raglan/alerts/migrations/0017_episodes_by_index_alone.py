"""What flaps is told by an index alone: the state, the same in all of it, stands in it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0016_leaner_indexes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="alert",
            name="alert_episodes",
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("state", "resolved")),
                fields=["fingerprint", "-received_at", "state"],
                name="alert_episodes",
            ),
        ),
    ]
