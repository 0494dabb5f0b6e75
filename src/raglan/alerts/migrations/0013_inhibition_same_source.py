"""An inhibition may count within one source only. Those that are there go on as they were."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0006_bundles_and_waiting")]

    operations = [
        migrations.AddField(
            model_name="inhibition",
            name="same_source",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
