"""How far a change may go: the hosts that it is meant for, by cluster, and what people need that lives on them.

Which packages a host has is known from lists that many hosts share, so that the cost goes by lists and not by hosts.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, F, Q, QuerySet

from raglan.catalog.models import Service
from raglan.catalog.queries import response_tools
from raglan.changes.proposing import Proposal
from raglan.core.clock import now
from raglan.fleet import packages, spreading, tags, way_back
from raglan.fleet.judging import Said
from raglan.fleet.models import Host, HostService, Package
from raglan.fleet.way_back import Door, WayBack

MOST_LISTS = 8_000
MOST_KEPT = 40_000
NAMED = 8
VERSIONS = 20  # of each package those that most hosts have
MOST_RUNS = 5_000
_held: OrderedDict[tuple[int, str], tuple[int, ...]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Tool:
    """A response tool, and on how many of the hosts it lives."""

    service: Service
    hosts: int
    purposes: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What a change may reach. `versions` count hosts by package and version; of those `unlisted` no list is known.

    `half` and `whole` are when that share of hosts has run once, if it went now, by the runs that were seen of
    `seen_to_run` hosts; `busiest` is how many of them run within one minute, where that is most.
    """

    hosts: int
    clusters: tuple[tuple[str, int], ...]
    versions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unlisted: int = 0
    seen_to_run: int = 0
    half: timedelta | None = None
    whole: timedelta | None = None
    busiest: int = 0
    tools: tuple[Tool, ...] = ()

    @property
    def more_clusters(self) -> int:
        """How many clusters there are besides the largest, which are named in a sentence."""
        return len(self.clusters[NAMED:])


def said_in(proposal: Proposal) -> Said:
    """Return what a proposal says, before it is kept."""
    expected = proposal.expected
    return Said(
        0,
        dict(proposal.packages),
        expected.on_new,
        expected.on_existing,
        units=frozenset(expected.units),
        clusters=frozenset(expected.clusters),
        roles=frozenset(expected.roles),
        environments=frozenset(expected.environments),
        tags=frozenset(expected.tags),
    )


@dataclass(frozen=True, slots=True)
class WaysBack:
    """Ways back to what hosts have now, and to how many more versions none was looked up: each is on no more hosts."""

    told: list[WayBack]
    more: int = 0


def ways_back(said: Said, versions: Mapping[str, Mapping[str, int]]) -> WaysBack:
    """Return whether what hosts have now can still be fetched, once the change has been there: one-way doors first."""
    left = {name: [one for one in counted if one != said.packages.get(name)] for name, counted in versions.items()}
    wanted = [(name, version) for name, listed in left.items() for version in listed[:VERSIONS]]
    more = sum(len(listed[VERSIONS:]) for listed in left.values())
    found = way_back.ways_back(wanted).values()
    return WaysBack(sorted(found, key=lambda way: way.door is not Door.ONE_WAY), more)


def meant(said: Said) -> QuerySet[Host]:
    """Living hosts with the clusters, roles, environments and tags that were said, whatever is installed on them."""
    wanted = Q(retired_at__isnull=True)
    for name, words in (("cluster", said.clusters), ("role", said.roles), ("environment", said.environments)):
        if words:
            wanted &= Q(**{f"{name}__in": sorted(words)})
    if said.tags:
        wanted &= tags.having(*sorted(said.tags))
    return Host.objects.filter(wanted)


@dataclass(frozen=True, slots=True)
class Meant:
    """The hosts that a change reaches: those meant that have one of its packages, or of which that is not known."""

    hosts: QuerySet[Host]
    clusters: Mapping[str, int]
    versions: Mapping[str, Mapping[str, int]]
    unlisted: int


def hosts_of(said: Said) -> Meant:
    """Return the hosts that a change reaches. A package that no host has yet may come to all that are meant."""
    wide = meant(said)
    counted = list(wide.values_list("cluster", "packages").annotate(hosts=Count("pk")).order_by())
    if not said.packages:
        return Meant(wide, _by_cluster(counted), {}, 0)
    lists = {key for _, key, _ in counted if key is not None}
    holding = held(lists, said.packages) if len(lists) <= MOST_LISTS else {}
    if not any(holding.values()):
        return Meant(wide, _by_cluster(counted), {}, 0)
    narrow = wide.filter(_holding(holding))
    near = [row for row in counted if row[1] is None or holding.get(row[1])]
    unlisted = sum(hosts for _, key, hosts in near if key is None)
    return Meant(narrow, _by_cluster(near), _versions(near, holding), unlisted)


def _holding(holding: Mapping[int, Sequence[int]]) -> Q:
    """Return what finds hosts that have one of the lists that hold something, or none: the shorter way to say it."""
    having = [key for key, ids in holding.items() if ids]
    lacking = [key for key, ids in holding.items() if not ids]
    if not lacking:
        return Q()
    if len(lacking) < len(having):
        return Q(packages__isnull=True) | ~Q(packages__in=lacking)
    return Q(packages__isnull=True) | Q(packages__in=having)


def _by_cluster(counted: Sequence[tuple[str, int | None, int]]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for cluster, _, hosts in counted:
        found[cluster] += hosts
    return found


def _versions(
    counted: Sequence[tuple[str, int | None, int]], holding: Mapping[int, Sequence[int]]
) -> dict[str, dict[str, int]]:
    names = dict[int, tuple[str, str]]()
    wanted = sorted({pk for ids in holding.values() for pk in ids})
    for pk, name, version in Package.objects.filter(pk__in=wanted).values_list("pk", "name", "version"):
        names[pk] = (name, version)
    found: dict[str, Counter[str]] = {}
    for _, key, hosts in counted:
        for pk in holding.get(key or 0, ()):
            name, version = names[pk]
            found.setdefault(name, Counter())[version] += hosts
    return {name: dict(sorted(found[name].items(), key=lambda one: (-one[1], one[0]))) for name in sorted(found)}


def held(lists: Collection[int], names: Collection[str]) -> dict[int, tuple[int, ...]]:
    """Return which versions of some packages each list holds. Lists never change, so what was read is remembered."""
    asked = "\x01".join(sorted(names))
    unknown = [key for key in sorted(lists) if (key, asked) not in _held]
    if unknown:
        about = set(Package.objects.filter(name__in=names).values_list("pk", flat=True))
        for key, ids in packages.contents(unknown).items():
            _held[key, asked] = tuple(about.intersection(ids))
    found = {key: _held.get((key, asked), ()) for key in lists}
    while len(_held) > MOST_KEPT:
        _held.popitem(last=False)
    return found


def forget_held() -> None:
    """Forget what lists hold, as for another database."""
    _held.clear()


def reach(said: Said) -> Reach:
    """Say how far a change may go, and how soon."""
    found = hosts_of(said)
    seen, runs = _runs(found.hosts)
    clusters = sorted(found.clusters.items(), key=lambda item: (-item[1], item[0]))
    return Reach(
        hosts=sum(found.clusters.values()),
        clusters=tuple(clusters),
        versions=found.versions,
        unlisted=found.unlisted,
        seen_to_run=seen,
        half=runs.reached_after(0.5),
        whole=runs.reached_after(1.0),
        busiest=round(runs.busiest() * seen),
        tools=_tools(found.hosts),
    )


def _runs(hosts: QuerySet[Host]) -> tuple[int, spreading.Ahead]:
    """Return how many hosts were seen to run, and when they run next; of very many, a share stands for all."""
    known = hosts.filter(run_interval_s__gt=0)
    seen = known.count()
    if (step := -(-seen // MOST_RUNS)) > 1:
        known = known.annotate(turn=F("pk") % step).filter(turn=0)
    at = now()
    rows = known.order_by().values_list("run_interval_s", "ran_at")
    return seen, spreading.ahead((every, (at - ran).total_seconds() if ran else None) for every, ran in rows.iterator())


def _tools(hosts: QuerySet[Host]) -> tuple[Tool, ...]:
    """Return the response tools that live on some hosts: what people see, change, know and talk with."""
    tools = {service.slug: service for service in response_tools()[:500]}
    if not tools:
        return ()
    carried = HostService.objects.filter(slug__in=tools, host__in=hosts).values_list("slug")
    counted = carried.annotate(hosts=Count("host")).order_by("-hosts", "slug")
    return tuple(
        Tool(tools[slug], count, ", ".join(one.get_purpose_display().lower() for one in tools[slug].purposes.all()))
        for slug, count in counted
    )
