"""The past stays: until now a cover ended when whoever was covered for left. What had ended so is stored as ended."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def end_them(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    subjects = apps.get_model("core", "EventSubject").objects.using(alias)
    covers = apps.get_model("oncall", "Override").objects.using(alias)
    rows = covers.filter(kind="replace_one", instead_of__is_active=False, cancelled_at__isnull=True)
    for row in rows.order_by("pk"):
        told = subjects.filter(subject=f"person:{row.instead_of_id}", event__kind="person.changed")
        left = [one.event.at for one in told.select_related("event").order_by("event_id") if _leaves(one.event.data)]
        if not left or left[-1] <= row.starts_at:
            row.cancelled_at = row.starts_at
        elif left[-1] < row.ends_at:
            row.cancelled_at = row.ends_at = left[-1]
        row.save(update_fields=["cancelled_at", "ends_at"])


def _leaves(said: dict[str, object]) -> bool:
    values = said.get("values")
    return isinstance(values, dict) and values.get("is_active") is False


class Migration(migrations.Migration):
    dependencies = [
        ("oncall", "0011_gaps_that_grow"),
        ("core", "0003_seals_and_signs"),
        ("people", "0005_apprise"),
    ]

    operations = [migrations.RunPython(end_them, migrations.RunPython.noop)]
