"""Tags of hosts: words that a host, a tool or a rule gives it, by which hosts are found, held and meant."""

from collections.abc import Mapping, Sequence

from django.db.models import Q

from raglan.core.db import bulk
from raglan.fleet.models import HostTag

MOST_KNOWN = 200
ITSELF = ""


def counting(by: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the tags of a host that count: its own if it says any, else those of all tools together."""
    return list(by.get(ITSELF, ()) or dict.fromkeys(tag for name in sorted(by) for tag in by[name]))


def by_whom(by: Mapping[str, Sequence[str]], who: str, said: Sequence[str]) -> dict[str, list[str]]:
    """Return the tags of a host by who told them, after one told these as all of its own."""
    others = {name: list(listed) for name, listed in by.items() if name != who}
    return {**others, who: list(said)} if said else others


def keep(told: Mapping[int, Sequence[str]]) -> None:
    """Let hosts, by key, have these tags and no others; call in the transaction that writes `Host.tags`."""
    wanted = {(host, tag) for host, said in told.items() for tag in said}
    rows = HostTag.objects.filter(host__in=list(told)).values_list("pk", "host", "tag")
    there = {(host, tag): pk for pk, host, tag in rows}
    if gone := [pk for pair, pk in there.items() if pair not in wanted]:
        HostTag.objects.filter(pk__in=gone).delete()
    new = sorted(wanted - there.keys())
    if bulk.is_postgresql():  # another node may be told the same at the same moment
        HostTag.objects.bulk_create([HostTag(host_id=host, tag=tag) for host, tag in new], ignore_conflicts=True)
    else:
        bulk.insert_rows(HostTag, ("host_id", "tag"), new)


def having(*names: str, prefix: str = "", any_case: bool = False) -> Q:
    """Return what finds hosts with at least one of some tags; `prefix` leads to the host."""
    wanted = Q(tag__in=names)
    if any_case:
        for name in names:
            wanted |= Q(tag__iexact=name)
    return Q(**{f"{prefix}pk__in": HostTag.objects.filter(wanted).values("host")})


def known() -> list[str]:
    """Return the tags that hosts have, by name; of very many the first."""
    return list(HostTag.objects.order_by("tag").values_list("tag", flat=True).distinct()[:MOST_KNOWN])
