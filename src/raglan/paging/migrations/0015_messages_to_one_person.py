"""Messages of a page are found by whom they are for, and those that a provider took by when; more was never asked.

What these take the place of goes with the next migration: while an index is made, messages can be read.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("paging", "0014_reached_by_one_index")]

    operations = [
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["page", "person"], name="notification_to"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("handed_over_at__isnull", False)),
                fields=["provider", "handed_over_at"],
                name="notification_taken",
            ),
        ),
    ]
