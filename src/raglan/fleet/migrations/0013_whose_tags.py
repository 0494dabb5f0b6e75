from typing import Any

from django.db import migrations, transaction

AT_ONCE = 500
TOOLS = ("ansible", "chef")


def from_hosts(apps: Any, schema_editor: Any) -> None:
    """Say who told the tags that hosts have: a host that reports itself; else the tool that ran there last and tells any.

    Its next run tells which are its own. Where no run is kept, one name stands for whoever it was, until a tool tells.
    Each portion is kept by itself, and what has been said already is left: a node may write, or it may begin again.
    """
    alias, last = schema_editor.connection.alias, 0
    while last is not None:
        with transaction.atomic(using=alias):
            last = _portion(*(apps.get_model("fleet", name).objects.using(alias) for name in ("Host", "HostRun")), last)


def _portion(host: Any, run: Any, after: int) -> int | None:
    """Say it of some hosts; return the last of them, or None when there are no more."""
    rows = host.filter(pk__gt=after, tags_by={}).exclude(tags=[]).order_by("pk")
    some = list(rows.only("tags", "placed", "told_digest", "tags_by").select_for_update(no_key=True)[:AT_ONCE])
    own = [one for one in some if one.tags and "tags" not in one.placed]
    runs = run.filter(host__in=[one.pk for one in own], tool__in=TOOLS).order_by("at", "pk")
    newest = dict(runs.values_list("host", "tool"))
    for one in own:
        one.tags_by = {"" if one.told_digest else newest.get(one.pk, TOOLS[0]): one.tags}
    host.bulk_update(own, ["tags_by"])
    return some[-1].pk if some else None


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("fleet", "0012_tags_by_tool"),
    ]

    operations = [
        migrations.RunPython(from_hosts, migrations.RunPython.noop),
    ]
