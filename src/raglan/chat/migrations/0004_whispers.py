"""Words that one person reads in a room."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_at_rest"),
    ]

    operations = [
        migrations.AlterField(
            model_name="post",
            name="kind",
            field=models.CharField(
                choices=[
                    ("line", "A line"),
                    ("topic", "The topic"),
                    ("invite", "An invitation"),
                    ("whisper", "Words for one person"),
                ],
                default="line",
                max_length=10,
            ),
        ),
    ]
