import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oncall", "0002_rotation_changes_add_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Layer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.AlterModelOptions(
            name="rotationmember",
            options={"ordering": ["position", "pk"]},
        ),
        migrations.RemoveConstraint(
            model_name="rotation",
            name="rotation_length",
        ),
        migrations.RemoveConstraint(
            model_name="rotationmember",
            name="rotation_place_once",
        ),
        migrations.AlterField(
            model_name="rotation",
            name="weeks",
            field=models.PositiveSmallIntegerField(db_column="weeks", default=1),
        ),
        migrations.RenameField(
            model_name="rotation",
            old_name="weeks",
            new_name="every",
        ),
        migrations.AddField(
            model_name="override",
            name="instead_of",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="override",
            name="kind",
            field=models.CharField(
                choices=[
                    ("replace_everybody", "Replace Everybody"),
                    ("replace_one", "Replace One"),
                    ("add", "Add"),
                    ("remove", "Remove"),
                ],
                db_default="replace_everybody",
                default="replace_everybody",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="override",
            name="rank",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="rotation",
            name="active_days",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="rotation",
            name="ends_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="rotation",
            name="rank",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="rotation",
            name="unit",
            field=models.CharField(
                choices=[
                    ("hours", "Hours"),
                    ("days", "Days"),
                    ("weeks", "Weeks"),
                    ("months", "Months"),
                    ("weekdays", "Weekdays"),
                ],
                db_default="weeks",
                default="weeks",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="rotation",
            name="weekdays",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="rotation",
            name="windows",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name="rotation",
            name="handoff_weekday",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="rotationmember",
            constraint=models.UniqueConstraint(
                fields=("rotation", "position", "person"), name="rotation_place_taken_once"
            ),
        ),
        migrations.AddField(
            model_name="layer",
            name="schedule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="layers", to="oncall.schedule"
            ),
        ),
        migrations.AddField(
            model_name="rotation",
            name="layer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rotations",
                to="oncall.layer",
            ),
        ),
        migrations.AddConstraint(
            model_name="rotation",
            constraint=models.CheckConstraint(condition=models.Q(("every__gte", 1)), name="rotation_length"),
        ),
        migrations.AddConstraint(
            model_name="layer",
            constraint=models.UniqueConstraint(fields=("schedule", "name"), name="layer_name_once"),
        ),
    ]
