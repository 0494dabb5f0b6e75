"""What chat asks for again and again stands in an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0002_signatures"),
        ("incidents", "0011_size_of_files"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["room", "at"], name="chat_message_in_room"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["at"], name="chat_message_at"),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(fields=["room", "sent_at"], name="chat_post_said"),
        ),
        migrations.AddIndex(
            model_name="post",
            index=models.Index(fields=["sent_at"], name="chat_post_sent"),
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(
                condition=models.Q(("external_id", ""), ("problem", "")),
                fields=["workspace", "id"],
                name="chat_room_to_open",
            ),
        ),
    ]
