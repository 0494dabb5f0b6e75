from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0010_sources_and_heartbeats")]

    operations = [
        migrations.AddField("alert", "trail", models.JSONField(default=list)),
    ]
