"""Wordings for moments that come again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0009_roles_and_hours"),
    ]

    operations = [
        migrations.CreateModel(
            name="Script",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("moment", models.SlugField(max_length=40, unique=True)),
                ("words", models.TextField()),
            ],
        ),
    ]
