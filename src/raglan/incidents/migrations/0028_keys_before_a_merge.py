from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0027_places_of_moments"),
    ]

    operations = [
        migrations.AddField(
            model_name="move",
            name="keys",
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
