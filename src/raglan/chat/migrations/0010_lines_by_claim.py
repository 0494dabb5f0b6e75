from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0009_rooms_to_enter")]

    operations = [
        migrations.AlterField(
            model_name="post",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waits"),
                    ("by_claim", "Waits, and is claimed when it goes out"),
                    ("sent", "Sent"),
                    ("refused", "Refused for good"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(
                condition=models.Q(("state", "by_claim")), fields=["room", "id"], name="chat_post_by_claim"
            ),
        ),
    ]
