"""Reads of hosts: the list with its filters, one host, and what is installed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from raglan.core.errors import NotFound
from raglan.fleet import packages, tags, units
from raglan.fleet.models import Host, Package, PackageMove, UnitTurn
from raglan.fleet.reports import moment

MOST_WORDS = 200
MOVES = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which hosts are asked for; what is empty asks for nothing. `alike`: those that share a name or a machine id."""

    text: str = ""
    cluster: str = ""
    role: str = ""
    environment: str = ""
    service: str = ""
    tag: str = ""
    state: str = ""
    alike: int = 0


STATES = ("silent", "failed", "shared", "retired")


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many hosts there are, and of how many there is something to say."""

    all: int
    silent: int
    failed: int
    shared: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A service of a host, and since when it is in its state; none when it never turned while raglan looked.

    `started_at` is when it was started last, where the host tells that.
    """

    name: str
    state: str
    since: datetime | None
    started_at: datetime | None = None

    @property
    def is_failed(self) -> bool:
        """Whether it is down against its will."""
        return self.state in units.FAILED


def hosts(wanted: Wanted | None = None) -> QuerySet[Host]:
    """Hosts by name; retired ones only where they are asked for."""
    wanted = wanted or Wanted()
    found = Host.objects.order_by("name", "pk").filter(_state(wanted.state))
    for field in ("cluster", "role", "environment"):
        if value := getattr(wanted, field):
            found = found.filter(**{field: value})
    if wanted.service:
        found = found.filter(carries__slug=wanted.service)
    if wanted.tag:
        found = found.filter(tags.having(wanted.tag))
    if wanted.alike:
        found = found.filter(_alike(wanted.alike))
    return found.filter(name__icontains=wanted.text) if wanted.text else found


def _alike(pk: int) -> Q:
    """Return what finds a host and those that have its name or its machine id."""
    one = Host.objects.filter(pk=pk).only("name", "machine").first()
    if one is None:
        return Q(pk__in=[])
    return Q(name=one.name) | Q(machine=one.machine) if one.machine else Q(name=one.name)


def _state(state: str) -> Q:
    """Return what a state asks for. Who is retired is in none of the others, so that each goes by its own index."""
    match state:
        case "silent":
            return Q(silent_since__isnull=False)
        case "failed":
            return Q(failed_units__gt=0)
        case "shared":
            return Q(shared_since__isnull=False)
        case "retired":
            return Q(retired_at__isnull=False)
        case _:
            return Q(retired_at__isnull=True)


def host(pk: int) -> Host:
    """Return a host. Raises NotFound."""
    found = Host.objects.select_related("packages").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such host.")
    return found


def numbers() -> Numbers:
    """Return how the fleet does, in four numbers."""
    counts = {state: hosts(Wanted(state=state)).order_by().count() for state in ("silent", "failed", "shared")}
    return Numbers(all=hosts().order_by().count(), **counts)


def groups(field: str) -> list[str]:
    """Return clusters, roles or environments that hosts say they are of, by name; of very many the first."""
    names = Host.objects.exclude(**{field: ""}).order_by(field).values_list(field, flat=True).distinct()
    return [str(name) for name in names[:MOST_WORDS]]


def namesakes(found: Host) -> QuerySet[Host]:
    """Return other living hosts with the same name or the same machine id."""
    return hosts(Wanted(alike=found.pk)).exclude(pk=found.pk)


def moves_of(found: Host) -> QuerySet[PackageMove]:
    """What moved on a host, the newest first."""
    return found.moves.order_by("-at", "-pk")


def turns_of(found: Host) -> QuerySet[UnitTurn]:
    """How services of a host turned, the newest first."""
    return found.turns.order_by("-at", "-pk")


def units_of(found: Host) -> list[Unit]:
    """Return the services of a host with their states: failed ones first, then by name."""
    said = units.states([found.units_id])[found.units_id] if found.units_id else {}
    since: dict[str, tuple[str, datetime]] = {}
    for name, state, at in found.turns.order_by("at", "pk").values_list("name", "state", "at"):
        since[name] = (state, at)
    for name, (state, at) in since.items():  # runs may have told of a turn that no report has shown yet
        if name not in said or (found.reported_at is not None and at > found.reported_at):
            said[name] = state
    listed = [
        Unit(name, state, since[name][1] if name in since else None, _started(found, name))
        for name, state in said.items()
    ]
    return sorted(listed, key=lambda unit: (not unit.is_failed, unit.name))


def _started(found: Host, name: str) -> datetime | None:
    at = found.starts.get(name)
    return moment(at, found.clock_offset_s) if at else None


def packages_of(found: Host) -> list[Package]:
    """Return what is installed on a host, by name."""
    return packages.listed(found.packages_id)


def versions_on(hosts_asked: Collection[int], name: str) -> dict[int, str]:
    """Return which version of a package hosts have, by host; those without it are left out."""
    held = dict(Host.objects.filter(pk__in=hosts_asked, packages__isnull=False).values_list("pk", "packages_id"))
    of_name = dict(Package.objects.filter(name=name).values_list("pk", "version"))
    lists = packages.contents(set(held.values()))
    found = {key: max((pk for pk in ids if pk in of_name), default=0) for key, ids in lists.items()}
    return {pk: of_name[found[key]] for pk, key in held.items() if found[key]}
