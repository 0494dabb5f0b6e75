"""How a change stands on the hosts that it is meant for, counted by the database: by state, cluster and minute."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from raglan.changes.models import Change
from raglan.core.clock import now
from raglan.fleet import after, reach, spreading
from raglan.fleet.judging import BAD_STATES, NOT_WELL, Said
from raglan.fleet.models import Host, HostService, UnitTurn
from raglan.fleet.open_changes import said_of
from raglan.fleet.watch_models import Arrival, Surprise
from raglan.fleet.watching import minute_of

MOST_MARKS = 2_000
MOST_GROUPS = 24
SURVIVORS = 20
RUNS_TO_WAIT = 1.5
UNKNOWN_INTERVAL = timedelta(hours=1)
GOOD = (Arrival.State.AS_SAID, Arrival.State.OPEN, Arrival.State.BACK)


@dataclass(frozen=True, slots=True)
class Counts:
    """Hosts by how a change stands on them. Those that have not got it are quiet, or wait, or kept what they had."""

    as_said: int = 0
    open: int = 0
    back: int = 0
    differs: int = 0
    waiting: int = 0
    kept: int = 0
    silent: int = 0

    @property
    def reached(self) -> int:
        """Hosts that have it."""
        return self.as_said + self.open + self.back + self.differs

    @property
    def good(self) -> int:
        """Hosts that have it and are not otherwise than was said now."""
        return self.as_said + self.open + self.back

    @property
    def left(self) -> int:
        """Hosts that have not got it."""
        return self.waiting + self.kept + self.silent

    @property
    def total(self) -> int:
        """All of them."""
        return self.reached + self.left


@dataclass(frozen=True, slots=True)
class Group:
    """The hosts of one cluster or role."""

    name: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Survivor:
    """A host that kept what it had: since when, and what it serves."""

    host: Host
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitNews:
    """A unit that turned on hosts that have the change: on how many it failed, on how many it is well again."""

    name: str
    failed: int
    well: int


@dataclass
class Progress:
    """A change on its hosts. Each part is read when it is first asked for; none grows with the hosts but the marks."""

    change: Change
    at: datetime = field(default_factory=now)

    @cached_property
    def said(self) -> Said:
        """What was said of it."""
        return said_of(self.change)

    @cached_property
    def meant(self) -> reach.Meant:
        """The hosts that it is meant for."""
        return reach.hosts_of(self.said)

    @cached_property
    def settles_at(self) -> datetime | None:
        """From when on a host that has not got it has passed it by, as runs go; None before it begins."""
        if self.change.started_at is None:
            return None
        intervals = dict(self.meant.hosts.values_list("run_interval_s").annotate(hosts=Count("pk")).order_by())
        whole = spreading.reached_after(intervals, 0.99) or UNKNOWN_INTERVAL
        return self.change.started_at + whole * RUNS_TO_WAIT

    @property
    def is_settled(self) -> bool:
        """Whether all hosts had the time to take it."""
        return self.settles_at is not None and self.at >= self.settles_at

    @cached_property
    def clusters(self) -> list[Group]:
        """How it stands in each cluster, the largest first."""
        return _grouped((cluster, counts) for (cluster, _), counts in self._places.items())

    @cached_property
    def roles(self) -> list[Group]:
        """How it stands in each role, the largest first."""
        return _grouped((role, counts) for (_, role), counts in self._places.items())

    @cached_property
    def counts(self) -> Counts:
        """How it stands in all."""
        return _summed(self._places.values())

    @cached_property
    def _places(self) -> dict[tuple[str, str], Counts]:
        """How it stands in each cluster and role."""
        found: dict[tuple[str, str], Counts] = {}
        arrived = self.arrivals.values_list("host__cluster", "host__role", "state").annotate(hosts=Count("pk"))
        for cluster, role, state, hosts in arrived.order_by():
            found[cluster, role] = replace(found.get((cluster, role), Counts()), **{str(state): hosts})
        silent = Count("pk", filter=Q(silent_since__isnull=False))
        left = self.left.values_list("cluster", "role").annotate(hosts=Count("pk"), silent=silent)
        for cluster, role, hosts, quiet in left.order_by():
            rest = {"kept" if self.is_settled else "waiting": hosts - quiet, "silent": quiet}
            found[cluster, role] = replace(found.get((cluster, role), Counts()), **rest)
        return found

    @property
    def arrivals(self) -> QuerySet[Arrival]:
        """Where it was seen."""
        return Arrival.objects.filter(change=self.change.pk)

    @property
    def left(self) -> QuerySet[Host]:
        """The hosts that it is meant for and that have not got it."""
        seen = Arrival.objects.filter(change=self.change.pk, host=OuterRef("pk"))
        return self.meant.hosts.filter(~Exists(seen))

    @cached_property
    def surprises(self) -> list[Surprise]:
        """What differs, the newest first."""
        return list(self.change.surprises.select_related("host").order_by("-raised_at", "-pk"))

    @cached_property
    def curve(self) -> list[spreading.Step]:
        """How many hosts had it by when, up to now while it is under way."""
        minutes = self.arrivals.values_list("minute").annotate(hosts=Count("pk")).order_by("minute")
        until = self.change.ended_at or self.at
        return spreading.curve(minutes, until=minute_of(until))

    @cached_property
    def survivors(self) -> list[Survivor]:
        """Some hosts that kept what they had, first those that converged longest ago or were never seen to."""
        if not self.is_settled:
            return []
        kept = self.left.filter(silent_since__isnull=True)
        hosts = list(kept.order_by(F("converged_at").asc(nulls_first=True), "name", "pk")[:SURVIVORS])
        serves: dict[int, list[str]] = {}
        carried = HostService.objects.filter(host__in=[host.pk for host in hosts]).order_by("slug")
        for host, slug in carried.values_list("host", "slug"):
            serves.setdefault(host, []).append(slug)
        return [Survivor(host, tuple(serves.get(host.pk, ()))) for host in hosts]

    @cached_property
    def units(self) -> after.Units[UnitNews]:
        """Units that failed on hosts that have it, since it began; those that failed most first."""
        if self.change.started_at is None:
            return after.Units([])
        until = (self.change.ended_at or self.at) + timedelta(hours=1)
        turns = UnitTurn.objects.filter(
            at__gte=self.change.started_at, at__lt=until, host__arrivals__change=self.change
        )
        bad, well = Q(state__in=sorted(BAD_STATES)), ~Q(state__in=sorted(NOT_WELL))
        counted = turns.values("name").annotate(
            failed=Count("host", filter=bad, distinct=True), well=Count("host", filter=well, distinct=True)
        )
        rows, more = after.first(counted.filter(failed__gt=0).order_by("-failed", "name"))
        return after.Units([UnitNews(row["name"], row["failed"], row["well"]) for row in rows], more)

    def marks(self) -> list[tuple[str, list[str]]] | None:
        """Return a kind of mark for each host, by cluster; None when there are more than can be told apart."""
        if not 0 < self.counts.total <= MOST_MARKS:
            return None
        states = dict(self.arrivals.values_list("host", "state"))
        found: dict[str, list[str]] = {}
        rows = self.meant.hosts.values_list("pk", "cluster", "silent_since").order_by("cluster", "name", "pk")
        for pk, cluster, silent in rows:
            found.setdefault(cluster, []).append(self._mark(states.get(pk), is_silent=silent is not None))
        return _few(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))

    def marks_of(self, hosts: Sequence[Host]) -> list[tuple[Host, str]]:
        """Return some hosts, each with its kind of mark: a page of very many."""
        states = dict(self.arrivals.filter(host__in=[host.pk for host in hosts]).values_list("host", "state"))
        return [(host, self._mark(states.get(host.pk), is_silent=host.silent_since is not None)) for host in hosts]

    def _mark(self, state: str | None, *, is_silent: bool) -> str:
        if state is None:
            return "wait" if is_silent or not self.is_settled else "kept"
        return "good" if state in GOOD else "bad"


def _summed(many: Iterable[Counts]) -> Counts:
    listed = list(many)
    return Counts(**{name: sum(getattr(one, name) for one in listed) for name in Counts.__slots__})


def _grouped(named: Iterable[tuple[str, Counts]]) -> list[Group]:
    found: dict[str, list[Counts]] = {}
    for name, counts in named:
        found.setdefault(name, []).append(counts)
    groups = [Group(name, _summed(many)) for name, many in found.items()]
    return sorted(groups, key=lambda one: (-one.counts.total, one.name))


def _few(groups: Sequence[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Keep the largest groups apart, and all others as one."""
    kept, rest = list(groups[:MOST_GROUPS]), groups[MOST_GROUPS:]
    if rest:
        kept.append((f"{len(rest)} others", [mark for _, marks in rest for mark in marks]))
    return kept


def hosts_of(progress: Progress, *, state: str = "", cluster: str | None = None) -> QuerySet[Host]:
    """Return the hosts of a change by name, in one state or in all; `left` are those that have not got it."""
    seen = Arrival.objects.filter(change=progress.change.pk, host=OuterRef("pk"))
    if state == "left":
        found = progress.left
    elif state:
        found = Host.objects.filter(Exists(seen.filter(state=state)))
    else:
        found = progress.meant.hosts
    return (found if cluster is None else found.filter(cluster=cluster)).order_by("name", "pk")


@dataclass(frozen=True, slots=True)
class Summary:
    """A change in a list: the hosts that have it, and the newest difference."""

    counts: Counts
    surprise: Surprise | None


def summaries(changes: Sequence[Change]) -> dict[int, Summary]:
    """Return how many hosts have each of some changes, and what differs; two queries for all of them."""
    keys = [change.pk for change in changes]
    counts = {key: Counts() for key in keys}
    arrived = Arrival.objects.filter(change__in=keys).values_list("change", "state").annotate(hosts=Count("pk"))
    for key, state, hosts in arrived.order_by():
        counts[key] = replace(counts[key], **{str(state): hosts})
    raised = Surprise.objects.filter(change__in=keys).select_related("host").order_by("raised_at", "pk")
    newest = {one.change_id: one for one in raised}
    return {key: Summary(counts[key], newest.get(key)) for key in keys}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a change stands on one host; nothing of it where it has not got it."""

    host: Host
    arrival: Arrival | None


def standing(change: Change, found: Sequence[Host]) -> list[Standing]:
    """Return how a change stands on each of some hosts."""
    arrivals = {row.host_id: row for row in Arrival.objects.filter(change=change, host__in=found)}
    return [Standing(host, arrivals.get(host.pk)) for host in found]
