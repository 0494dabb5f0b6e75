"""What all files take is summed up before one more is stored, without reading them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0010_scripts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(fields=["size"], name="attachment_size"),
        ),
    ]
