"""Rooms in which we are not, or not any more, are found by an index of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0008_lines_of_several_imports")]

    operations = [
        migrations.RemoveIndex(model_name="room", name="chat_room_to_open"),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(
                condition=models.Q(("name__gt", ""), ("opened_at__isnull", True), ("problem", "")),
                fields=["workspace", "id"],
                name="chat_room_to_enter",
            ),
        ),
    ]
