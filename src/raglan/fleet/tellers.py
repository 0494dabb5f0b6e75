"""Who tells the tags of a host beside itself: a tool with the token of a source, so that two controllers are two."""

from collections.abc import Sequence

from django.db.models import Max

from raglan.fleet import tags
from raglan.fleet.models import Host
from raglan.fleet.run_models import HostRun


def who(tool: str, source: int) -> str:
    """Return by which name a tool tells tags with the token of a source."""
    return f"{tool}:{source}"


def tool_of(name: str) -> str:
    """Return the tool of such a name; an older node keeps tags by the tool alone."""
    return name.partition(":")[0]


def known(rows: Sequence[Host], *, but: str = tags.ITSELF) -> dict[int, dict[str, list[str]]]:
    """Return the tags of hosts by who told them, without those of whom no run is kept: none would take them back.

    What an older node kept by a tool alone is of whoever told a run of that tool there last. `but` is one who tells
    now, whose run is not stored yet.
    """
    last = _last_runs(rows)
    return {row.pk: _known(row, last, but) for row in rows}


def _last_runs(rows: Sequence[Host]) -> dict[tuple[int, str], list[str]]:
    """Return who told runs of the tools that told tags, by host and tool, the last of them at the end."""
    tools = {tool_of(name) for row in rows for name in row.tags_by} - {tags.ITSELF}
    found: dict[tuple[int, str], list[str]] = {}
    if not tools:
        return found
    runs = HostRun.objects.filter(host__in=[row.pk for row in rows], tool__in=sorted(tools))
    told = runs.values("host", "tool", "source").annotate(last=Max("received_at")).order_by("last", "source")
    for host, tool, source in told.values_list("host", "tool", "source"):
        found.setdefault((host, tool), []).append(who(tool, source))
    return found


def _known(row: Host, last: dict[tuple[int, str], list[str]], but: str) -> dict[str, list[str]]:
    sure: dict[str, list[str]] = {}
    by_tool: dict[str, list[str]] = {}
    for name, said in row.tags_by.items():
        whose = last.get((row.pk, tool_of(name)), [])
        if name in (tags.ITSELF, but) or name in whose:
            sure[name] = said
        elif name == tool_of(name) and whose:
            by_tool[whose[-1]] = said
    return sure | by_tool  # an older node takes out what it does not know, so that its own is the later
