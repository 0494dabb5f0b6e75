"""A step of a policy may tell a room in chat, and what became of each telling is kept."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("paging", "0016_fewer_indexes_of_messages"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChatCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField()),
                ("step", models.PositiveSmallIntegerField()),
                ("chat", models.PositiveBigIntegerField()),
                ("room", models.CharField(max_length=120)),
                ("key", models.CharField(max_length=120, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Being handed over"),
                            ("handed_over", "Handed over"),
                            ("failed", "Could not be handed over"),
                            ("cancelled", "Not needed any more"),
                        ],
                        default="waiting",
                        max_length=20,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("may_repeat", models.BooleanField(default=False)),
                ("error", models.TextField(blank=True, default="")),
                ("planned_at", models.DateTimeField()),
                ("handed_over_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="steptarget",
            name="step_target_is_one",
        ),
        migrations.AddField(
            model_name="steptarget",
            name="chat",
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="steptarget",
            name="room",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddConstraint(
            model_name="steptarget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("chat__isnull", True),
                        ("person__isnull", True),
                        ("room", ""),
                        ("schedule__isnull", False),
                        ("team__isnull", True),
                        ("url", ""),
                    ),
                    models.Q(
                        ("chat__isnull", True),
                        ("person__isnull", False),
                        ("room", ""),
                        ("schedule__isnull", True),
                        ("team__isnull", True),
                        ("url", ""),
                    ),
                    models.Q(
                        ("chat__isnull", True),
                        ("person__isnull", True),
                        ("room", ""),
                        ("schedule__isnull", True),
                        ("team__isnull", False),
                        ("url", ""),
                    ),
                    models.Q(
                        ("chat__isnull", True),
                        ("person__isnull", True),
                        ("room", ""),
                        ("schedule__isnull", True),
                        ("team__isnull", True),
                        models.Q(("url", ""), _negated=True),
                    ),
                    models.Q(
                        ("chat__isnull", False),
                        ("person__isnull", True),
                        ("schedule__isnull", True),
                        ("team__isnull", True),
                        ("url", ""),
                        models.Q(("room", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="step_target_is_one",
            ),
        ),
        migrations.AddField(
            model_name="chatcall",
            name="page",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="chat_calls", to="paging.page"
            ),
        ),
    ]
