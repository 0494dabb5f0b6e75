from typing import Any

from django.db import migrations

AT_ONCE = 2_000


def from_hosts(apps: Any, schema_editor: Any) -> None:
    """Give each host that says tags its rows."""
    alias = schema_editor.connection.alias
    rows = apps.get_model("fleet", "HostTag").objects.using(alias)
    hosts = apps.get_model("fleet", "Host").objects.using(alias).order_by("pk").values_list("pk", "tags")
    fresh = [(pk, tag) for pk, said in hosts.iterator(AT_ONCE) for tag in dict.fromkeys(said or ())]
    rows.bulk_create([rows.model(host_id=pk, tag=tag[:120]) for pk, tag in fresh], AT_ONCE, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0010_host_tags"),
    ]

    operations = [
        migrations.RunPython(from_hosts, migrations.RunPython.noop),
    ]
