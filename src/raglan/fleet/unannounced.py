"""Changes that nobody announced: the same package moves the same way on several hosts within some minutes."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Count, Min, Q, QuerySet

from raglan.changes import proposing
from raglan.changes.models import Change, ChangePackage
from raglan.config import config
from raglan.core.clock import now
from raglan.fleet.models import PackageMove
from raglan.fleet.ports import Observation
from raglan.fleet.watch_models import Arrival

AGAIN_AFTER = timedelta(days=1)
Way = tuple[str, str]  # a package, and the version that comes


def look(seen: Sequence[Observation]) -> Change | None:
    """Keep a change without an author when what moved here moved the same way on enough hosts; return it."""
    enough = config().unannounced_hosts
    ways = {(move.name, move.new) for one in seen for move in one.moves if move.new}
    if not enough or not ways:
        return None
    since = now() - timedelta(minutes=config().unannounced_within_min)
    same = PackageMove.objects.filter(name__in={name for name, _ in ways}, at__gte=since)
    counted = same.values("name", "new").annotate(hosts=Count("host", distinct=True), first=Min("at"), old=Min("old"))
    many = {(row["name"], row["new"]): row for row in counted if row["hosts"] >= enough}
    told = _told(ways)
    fresh = sorted((way for way in set(many) & ways if way not in told), reverse=True)
    found = sorted(dict(fresh).items())  # of one package one version: the other is another change
    if not found:
        return None
    name, new = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    first = min(many[way]["first"] for way in found)
    old = many[found[0]]["old"]
    title = f"{name} {old} → {new}{more}" if old else f"{name} {new}{more}"
    kept = found[: proposing.MOST_PACKAGES]
    change = proposing.keep_found(title, key=f"{name}\x01{new}\x01{first:%Y-%m-%dT%H}", packages=kept, started_at=first)
    _note_hosts(change, same, kept)
    return change


def _told(ways: set[Way]) -> set[Way]:
    """Return what changes bring that are open, or were until lately: these are known."""
    lately = Q(change__ended_at__isnull=True) | Q(change__ended_at__gt=now() - AGAIN_AFTER)
    about = ChangePackage.objects.filter(lately, name__in={name for name, _ in ways})
    return set(about.values_list("name", "version"))


def _note_hosts(change: Change, same: QuerySet[PackageMove], ways: Sequence[Way]) -> None:
    """Note the hosts on which it was seen before it was known as one."""
    any_way = Q()
    for name, new in ways:
        any_way |= Q(name=name, new=new)
    rows = same.filter(any_way).values("host").annotate(first=Min("at"))
    Arrival.objects.bulk_create(
        [
            Arrival(
                change=change,
                host_id=row["host"],
                state=Arrival.State.OPEN,
                at=row["first"],
                minute=int(row["first"].timestamp() // 60),
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
