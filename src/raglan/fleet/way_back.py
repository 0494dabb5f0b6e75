"""Is there a way back? Whether a version can still be fetched, from where, and how old the evidence is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cmp_to_key

from raglan.core.clock import now
from raglan.fleet import versions
from raglan.fleet.mirror_models import Mirror, MirrorPackage


class Door(StrEnum):
    """Whether one can go back through it."""

    TWO_WAY = "two_way"
    ONE_WAY = "one_way"
    UNKNOWN = "unknown"


WORDS = {Door.TWO_WAY: "Two-way door", Door.ONE_WAY: "One-way door", Door.UNKNOWN: "Nobody knows"}


@dataclass(frozen=True, slots=True)
class Place:
    """A version on a mirror: there since, or there last at `last_seen_at`. `read_at` is of when that was looked up."""

    mirror: Mirror
    version: str
    arch: str
    first_seen_at: datetime
    last_seen_at: datetime | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class WayBack:
    """What is known of the way to a version of a package. `age` is that of the evidence, None without any."""

    package: str
    version: str
    door: Door
    places: tuple[Place, ...] = ()
    newest: str = ""
    age: timedelta | None = None

    @property
    def there(self) -> list[Place]:
        """Where it can be fetched."""
        return [place for place in self.places if place.last_seen_at is None]

    @property
    def last_seen_at(self) -> datetime | None:
        """When it was on a mirror last, if it is on none any more."""
        times = [place.last_seen_at for place in self.places if place.last_seen_at is not None]
        return max(times) if times and not self.there else None

    @property
    def words(self) -> str:
        """Say it in one sentence, with what kind of door it is."""
        return f"{WORDS[self.door]}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """Say what is known, without what kind of door that is."""
        called = f"{self.package} {self.version}"
        if self.door is Door.TWO_WAY:
            names = ", ".join(sorted({place.mirror.name for place in self.there}))
            return f"{called} is on {names}."
        if self.door is Door.UNKNOWN:
            return f"{called}: no mirror that is read here has ever had this package."
        newest = f" The newest there is {self.newest}." if self.newest else ""
        if self.last_seen_at is not None:
            return f"{called} is on no mirror any more.{newest}"
        return f"{called} is on no mirror that is read here.{newest}"


def way_back(package: str, version: str) -> WayBack:
    """Return whether a version of a package can still be fetched. It may end with `*`."""
    return ways_back([(package, version)])[package, version]


def ways_back(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], WayBack]:
    """Return that of many at once."""
    pairs = list(dict.fromkeys(wanted))
    places = _places({package for package, _version in pairs})
    at = now()
    return {pair: _found(pair, places.get(pair[0], []), at) for pair in pairs}


def _places(names: set[str]) -> dict[str, list[Place]]:
    rows = MirrorPackage.objects.filter(name__in=sorted(names), mirror__ended_at__isnull=True)
    found: dict[str, list[Place]] = {}
    for row in rows.select_related("mirror").order_by("mirror__name", "version", "arch", "pk"):
        read_at = row.mirror.read_at or row.first_seen_at
        place = Place(row.mirror, row.version, row.arch, row.first_seen_at, row.last_seen_at, read_at)
        found.setdefault(row.name, []).append(place)
    return found


def _found(pair: tuple[str, str], places: Sequence[Place], at: datetime) -> WayBack:
    package, version = pair
    if not places:
        return WayBack(package, version, Door.UNKNOWN)
    same = tuple(place for place in places if matches(place.version, version, place.mirror.scheme))
    there = [place for place in same if place.last_seen_at is None]
    evidence = min(place.read_at for place in (there or places))
    newest = _newest([place for place in places if place.last_seen_at is None])
    return WayBack(package, version, Door.TWO_WAY if there else Door.ONE_WAY, same, newest, at - evidence)


def matches(version: str, wanted: str, scheme: str) -> bool:
    """Tell whether a version is the one that is wanted, which may end with `*`."""
    if wanted.endswith("*"):
        return fnmatchcase(version, _literal(wanted[:-1]) + "*")
    return versions.is_same(version, wanted, scheme)


def _literal(text: str) -> str:
    return "".join(f"[{mark}]" if mark in "*?[" else mark for mark in text)


def _newest(places: Sequence[Place]) -> str:
    """Return the newest version of those of one scheme; of two schemes, that of the first."""
    if not places:
        return ""
    scheme = places[0].mirror.scheme
    alike = [place.version for place in places if place.mirror.scheme == scheme]

    def by_rule(one: str, other: str) -> int:
        return versions.compare(one, other, scheme)

    return max(alike, key=cmp_to_key(by_rule))
