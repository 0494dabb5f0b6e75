"""Why an incident is private is called after its list: one mark alone says that it is."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0019_merged"),
    ]

    operations = [
        migrations.RenameField(model_name="incident", old_name="private_why", new_name="listed_why"),
    ]
