"""The words that thank for a heads-up can be chosen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_first")]

    operations = [
        migrations.CreateModel(
            name="Thanks",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.CharField(max_length=300)),
            ],
        ),
    ]
