"""Which of many concerns one change is near to: as `concern.ties` says it, asked once for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from raglan.changes.models import Change
from raglan.fleet.concern import NOTHING, Concern, by_words, some
from raglan.fleet.watch_models import Arrival

MOST = 500  # names of each kind that are looked for
MOST_OPEN = 50  # host names that may be the beginning of longer ones


@dataclass(frozen=True, slots=True)
class Places:
    """Where a change came to, as far as any concern names it, and the clusters that it was meant for."""

    hosts: frozenset[str]
    services: frozenset[str]
    clusters: frozenset[str]
    meant: frozenset[str]

    def ties(self, concern: Concern) -> list[str]:
        """Say in words what of a concern is among them."""
        parts = (
            ("it came to", sorted(name for name in self.hosts if _is_named(name, concern.hosts))),
            ("hosts that have it carry", sorted(self.services & concern.services)),
            ("it is meant for", sorted(self.meant & concern.clusters)),
            ("it came to hosts of", sorted((self.clusters - self.meant) & concern.clusters)),
        )
        return [f"{words} {some(names)}" for words, names in parts if names]


def near(change: Change, concerns: Mapping[int, Concern]) -> dict[int, str]:
    """Say of each concern what ties a change to it; those without a tie are left out."""
    everything = reduce(or_, concerns.values(), NOTHING)
    if not everything:
        return {}
    places = _places(change, everything)
    found = {}
    for key, concern in concerns.items():
        words = [*places.ties(concern), *by_words([change], concern).values()]
        if words:
            found[key] = "; ".join(words)
    return found


def _places(change: Change, concern: Concern) -> Places:
    came = Arrival.objects.filter(change=change)
    services = came.filter(host__carries__slug__in=_first(concern.services))
    clusters = came.filter(host__cluster__in=_first(concern.clusters))
    expectation = getattr(change, "expectation", None)
    return Places(
        frozenset(came.filter(_named(concern.hosts)).values_list("host__name", flat=True)) if concern.hosts else NONE,
        frozenset(services.values_list("host__carries__slug", flat=True).distinct()) if concern.services else NONE,
        frozenset(clusters.values_list("host__cluster", flat=True).distinct()) if concern.clusters else NONE,
        frozenset(name.casefold() for name in expectation.clusters) if expectation else NONE,
    )


NONE: frozenset[str] = frozenset()


def _first(names: Iterable[str]) -> list[str]:
    return sorted(names)[:MOST]


def _named(names: frozenset[str]) -> Q:
    listed = _first(names)
    wanted = Q(host__name__in=sorted({*listed, *_short(listed)}))
    for name in [name for name in listed if "." not in name][:MOST_OPEN]:
        wanted |= Q(host__name__istartswith=f"{name}.")
    return wanted


def _short(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names if not name[:1].isdigit()}


def _is_named(host: str, names: frozenset[str]) -> bool:
    """Whether a host is one of some names, which may be longer or shorter than its own."""
    own = host.casefold()
    return own in names or own in _short(names) or own.partition(".")[0] in names
