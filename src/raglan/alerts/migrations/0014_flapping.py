"""Alerts that flap, and rules about it; when a condition opened is found by an index alone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0013_inhibition_same_source"),
        ("paging", "0011_channel_secret"),
    ]

    operations = [
        migrations.CreateModel(
            name="Flap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64)),
                ("route", models.BigIntegerField(blank=True, null=True)),
                ("title", models.CharField(max_length=300)),
                ("rule", models.CharField(max_length=60)),
                ("changes", models.PositiveIntegerField()),
                ("first_at", models.DateTimeField()),
                ("began_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("quiet_s", models.PositiveIntegerField()),
                ("open_s", models.PositiveIntegerField()),
                ("paged_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="alert",
            name="alert_fingerprint",
        ),
        migrations.AddField(
            model_name="route",
            name="flapping",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="flapping",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["fingerprint", "-received_at"], name="alert_openings"),
        ),
        migrations.AddField(
            model_name="flap",
            name="page",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="paging.page"
            ),
        ),
        migrations.AddField(
            model_name="flap",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="flaps", to="alerts.source"
            ),
        ),
        migrations.AddIndex(
            model_name="flap",
            index=models.Index(fields=["fingerprint", "-id"], name="flap_fingerprint"),
        ),
        migrations.AddConstraint(
            model_name="flap",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("fingerprint",), name="one_flap_a_fingerprint"
            ),
        ),
    ]
