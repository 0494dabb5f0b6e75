from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oncall", "0010_shadows"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
