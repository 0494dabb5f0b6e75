"""The past stays: until now a cover ended when whoever was covered for left. What had ended so is stored as ended.

When somebody left is what their last leaving says, here as ever: who left, came back and left again counts as there
until the second time, so that a cover of the first time has its time as before. Each end is told by an event, as the
one that somebody makes by hand is; nothing follows from it, since nobody is on call for whom that is new.
"""

from datetime import UTC, datetime

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Q

from raglan.core.clock import now

WHY = "whoever was covered for had left"
NEVER_HERE = datetime(1970, 1, 1, tzinfo=UTC)


def end_them(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias, at = schema_editor.connection.alias, now()
    covers = apps.get_model("oncall", "Override").objects.using(alias)
    counts = Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=F("starts_at"))
    left: dict[int, datetime] = {}
    for row in covers.filter(counts, kind="replace_one", instead_of__is_active=False).order_by("pk"):
        gone = row.instead_of_id
        if gone not in left:
            left[gone] = _left_at(apps, alias, gone)
        if left[gone] >= row.ends_at:
            continue
        row.cancelled_at = max(left[gone], row.starts_at)
        row.ends_at = left[gone] if left[gone] > row.starts_at else row.ends_at
        row.save(update_fields=["cancelled_at", "ends_at"])
        told = {
            "override": row.pk,
            "ends_at": _written(row.ends_at),
            "cancelled_at": _written(row.cancelled_at),
            "reason": WHY,
        }
        about = [f"schedule:{row.schedule_id}", f"override:{row.pk}", f"person:{row.person_id}", "oncall", "now"]
        events, subjects = apps.get_model("core", "Event"), apps.get_model("core", "EventSubject")
        kind = "schedule.override_cancelled"
        event = events.objects.using(alias).create(at=at, kind=kind, actor="raglan", data=told)
        subjects.objects.using(alias).bulk_create(subjects(event=event, subject=name) for name in about)


def _left_at(apps: Apps, alias: str, person: int) -> datetime:
    subjects = apps.get_model("core", "EventSubject").objects.using(alias)
    told = subjects.filter(subject=f"person:{person}", event__kind="person.changed").select_related("event")
    left = [one.event.at for one in told.order_by("event_id") if _leaves(one.event.data)]
    return left[-1] if left else NEVER_HERE


def _leaves(said: dict[str, object]) -> bool:
    values = said.get("values")
    return isinstance(values, dict) and values.get("is_active") is False


def _written(at: datetime) -> str:
    """Return an instant as events have it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Migration(migrations.Migration):
    dependencies = [
        ("oncall", "0011_gaps_that_grow"),
        ("core", "0003_seals_and_signs"),
        ("people", "0005_apprise"),
    ]

    operations = [migrations.RunPython(end_them, migrations.RunPython.noop)]
