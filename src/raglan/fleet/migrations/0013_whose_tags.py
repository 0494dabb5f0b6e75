from typing import Any

from django.db import migrations

AT_ONCE = 500
TOOLS = ("ansible", "chef")


def from_hosts(apps: Any, schema_editor: Any) -> None:
    """Say who told the tags that hosts have: a host that reports itself; else each tool that ran there and tells any.

    The last word of one of them counted; the next run of each tells which are its own.
    """
    alias = schema_editor.connection.alias
    host, run = (apps.get_model("fleet", name).objects.using(alias) for name in ("Host", "HostRun"))
    rows, last = host.exclude(tags=[]).order_by("pk").only("tags", "placed", "told_digest", "tags_by"), 0
    while some := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        last = some[-1].pk
        own = [one for one in some if one.tags and "tags" not in one.placed]
        ran: dict[int, set[str]] = {}
        tools = run.filter(host__in=[one.pk for one in own], tool__in=TOOLS).order_by("host", "tool")
        for pk, tool in tools.values_list("host", "tool").distinct():
            ran.setdefault(pk, set()).add(tool)
        for one in own:
            whose = [""] if one.told_digest else sorted(ran.get(one.pk, TOOLS))
            one.tags_by = dict.fromkeys(whose, one.tags)
        host.bulk_update(own, ["tags_by"])


class Migration(migrations.Migration):
    dependencies = [
        ("fleet", "0012_tags_by_tool"),
    ]

    operations = [
        migrations.RunPython(from_hosts, migrations.RunPython.noop),
    ]
