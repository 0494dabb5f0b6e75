from typing import Any

from django.db import migrations, models
from django.db.models import F, Max, Min, OuterRef, Q, Subquery


def from_runs(apps: Any, schema_editor: Any) -> None:
    """Take from the runs that are kept which one did its work last, and the first that failed after it."""
    alias = schema_editor.connection.alias
    hosts = apps.get_model("fleet", "Host").objects.using(alias).filter(ran_at__isnull=False)
    of_host = apps.get_model("fleet", "HostRun").objects.using(alias).filter(host=OuterRef("pk")).order_by()
    done = of_host.filter(outcome__in=["unchanged", "changed"]).values("host").annotate(it=Max("at")).values("it")
    hosts.update(converged_at=Subquery(done))
    later = Q(host__converged_at__isnull=True) | Q(at__gt=F("host__converged_at"))
    failed = of_host.filter(later, outcome="failed").values("host").annotate(it=Min("at")).values("it")
    hosts.update(failing_since=Subquery(failed))


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0008_places"),
    ]

    operations = [
        migrations.AddField(
            model_name="host",
            name="converged_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="host",
            name="failing_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(from_runs, migrations.RunPython.noop),
    ]
