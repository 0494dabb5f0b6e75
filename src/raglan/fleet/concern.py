"""What an alert or an incident is about, as far as changes can be tied to it: services, hosts, clusters."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from raglan.changes.models import Change
from raglan.fleet.models import Host
from raglan.fleet.watch_models import Arrival

SERVICES = frozenset(("service", "service_name", "app", "application", "job", "component", "app_kubernetes_io_name"))
HOSTS = frozenset(("host", "hostname", "host_name", "instance", "node", "nodename", "server", "machine", "fqdn"))
CLUSTERS = frozenset(("cluster", "cluster_name"))
MOST = 50  # names of each kind that are looked for
MOST_OPEN = 5  # host names that may be the beginning of longer ones
SHORTEST = 3  # letters of a name that is looked for in texts
SHOWN = 4
PORT = re.compile(r":\d{1,5}$")


@dataclass(frozen=True, slots=True)
class Concern:
    """Names in small letters; services by short name and by name."""

    services: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    clusters: frozenset[str] = frozenset()

    def __or__(self, other: "Concern") -> "Concern":
        """Both together."""
        return Concern(self.services | other.services, self.hosts | other.hosts, self.clusters | other.clusters)

    def __bool__(self) -> bool:
        """Whether anything is named."""
        return bool(self.services or self.hosts or self.clusters)


NOTHING = Concern()


def of_labels(labels: Mapping[str, object]) -> Concern:
    """Return what labels name."""
    found: dict[frozenset[str], set[str]] = {SERVICES: set(), HOSTS: set(), CLUSTERS: set()}
    for name, value in labels.items():
        text = str(value).strip().casefold()
        for kind, names in found.items():
            if text and name.casefold() in kind:
                names.add(PORT.sub("", text) if kind is HOSTS else text)
    return Concern(frozenset(found[SERVICES]), frozenset(found[HOSTS]), frozenset(found[CLUSTERS]))


def of_services(named: Iterable[tuple[str, str]]) -> Concern:
    """Return services by short name and name."""
    return Concern(services=frozenset(text.casefold() for pair in named for text in pair if text))


def places_of(concern: Concern) -> list[tuple[str, str, str]]:
    """Return clusters, roles and environments that it is about; of a cluster that is only named, no more is known."""
    hosts = Host.objects.filter(pk__in=list(_hosts(concern))).order_by("cluster", "role", "environment")
    there = list(hosts.values_list("cluster", "role", "environment").distinct())
    return [*there, *((name, "", "") for name in sorted(concern.clusters)[:MOST])]


def ties(changes: Sequence[Change], concern: Concern) -> dict[int, str]:
    """Say of each change what ties it to a concern, the strongest first; those without a tie are left out."""
    if not concern or not changes:
        return {}
    said: dict[int, list[str]] = {}
    for way in (_by_hosts, _by_clusters, by_words):
        for pk, words in way(changes, concern).items():
            said.setdefault(pk, []).append(words)
    return {pk: "; ".join(words) for pk, words in said.items()}


def _by_hosts(changes: Sequence[Change], concern: Concern) -> dict[int, str]:
    """Changes that came to its hosts, or to hosts that carry its services."""
    came = Arrival.objects.filter(change__in=[change.pk for change in changes])
    said: dict[int, str] = {}
    if concern.services:
        carried = came.filter(host__carries__slug__in=sorted(concern.services)[:MOST])
        for pk, slugs in _listed(carried.values_list("change", "host__carries__slug").distinct()).items():
            said[pk] = f"hosts that have it carry {slugs}"
    if hosts := _hosts(concern):
        for pk, names in _listed(came.filter(host__in=list(hosts)).values_list("change", "host__name")).items():
            said[pk] = "; ".join(part for part in (f"it came to {names}", said.get(pk, "")) if part)
    return said


def _hosts(concern: Concern) -> dict[int, str]:
    names = sorted(concern.hosts)[:MOST]
    if not names:
        return {}
    short = {name.partition(".")[0] for name in names if not name[:1].isdigit()}
    wanted = Q(name__in=[*names, *short])
    for name in names[:MOST_OPEN]:
        if "." not in name:
            wanted |= Q(name__istartswith=f"{name}.")
    return dict(Host.objects.filter(wanted, retired_at__isnull=True).values_list("pk", "cluster"))


def _by_clusters(changes: Sequence[Change], concern: Concern) -> dict[int, str]:
    """Changes that were meant for its clusters, or came to hosts there."""
    if not concern.clusters:
        return {}
    said = {}
    for change in changes:
        expectation = getattr(change, "expectation", None)
        meant = [name for name in expectation.clusters if name.casefold() in concern.clusters] if expectation else []
        if meant:
            said[change.pk] = f"it is meant for {some(meant)}"
    came = Arrival.objects.filter(change__in=[change.pk for change in changes if change.pk not in said])
    there = came.filter(host__cluster__in=sorted(concern.clusters)[:MOST])
    for pk, names in _listed(there.values_list("change", "host__cluster").distinct()).items():
        said[pk] = f"it came to hosts of {names}"
    return said


def by_words(changes: Sequence[Change], concern: Concern) -> dict[int, str]:
    """Changes whose words name it: what deploy tools tell has no hosts."""
    names = sorted(name for name in concern.services | concern.hosts | concern.clusters if len(name) >= SHORTEST)[:MOST]
    if not names:
        return {}
    any_of = re.compile(rf"(?<![a-z0-9._-])({'|'.join(map(re.escape, names))})(?![a-z0-9_-])")
    said = {}
    for change in changes:
        texts = (change.title, change.origin, *map(str, change.details.values()))
        if found := any_of.findall(" \n".join(texts).casefold()):
            said[change.pk] = f"it names {some(found)}"
    return said


def _listed(pairs: Iterable[tuple[int, str]]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for pk, name in pairs:
        found.setdefault(pk, []).append(name)
    return {pk: some(sorted(names)) for pk, names in found.items()}


def some(names: Iterable[str]) -> str:
    """Write the first of some names, and how many more there are."""
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
