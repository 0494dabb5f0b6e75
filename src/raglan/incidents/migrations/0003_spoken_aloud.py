"""Results of acts, three more kinds of entries, and acts that are alike."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0002_thanks"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="result",
            field=models.CharField(
                blank=True,
                choices=[
                    ("worked", "It worked"),
                    ("nothing", "It did nothing"),
                    ("worse", "It made it worse"),
                    ("given_up", "Given up"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("note", "Note"),
                    ("doing", "I’m doing"),
                    ("ask", "Ask for help"),
                    ("verify", "Ask to verify"),
                    ("found", "Found"),
                    ("decided", "Decided"),
                    ("tried", "Tried"),
                    ("ruled_out", "Ruled out"),
                    ("stuck", "I’m stuck"),
                    ("heads_up", "Heads-up"),
                    ("machine", "Machine"),
                    ("turn", "Turn of state"),
                ],
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="Alike",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="alikes", to="incidents.entry"
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="incidents.entry"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("entry", "other"), name="alike_once")],
            },
        ),
    ]
