from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0011_tags_of_hosts"),
    ]

    operations = [
        migrations.AddField(
            model_name="host",
            name="tags_by",
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
