"""Changes that hosts may still take, and what was said of them: read once, and again only where they were turned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from raglan.changes.grouping import Group
from raglan.changes.models import OPEN, Change, Expectation
from raglan.changes.queries import groups_of
from raglan.fleet.judging import Said
from raglan.fleet.models import Host
from raglan.fleet.ports import Observation

MOST_WATCHED = 200
Mark = tuple[int, str, str, datetime]  # change, state, key, time


@dataclass(frozen=True, slots=True)
class Watched:
    """An open change, and what its author said."""

    change: Change
    said: Said
    groups: Sequence[Group] = ()

    def keeps_aside(self, host: Host) -> bool:
        """Whether a host is kept aside from it on purpose."""
        return any(
            group.is_aside
            and group.fits(number=host.pk, host=host.name, cluster=host.cluster, role=host.role, tags=host.tags)
            for group in self.groups
        )

    @property
    def expects_nothing(self) -> bool:
        """Whether a run that did nothing shows that it is as was said."""
        return "nothing" in (self.said.on_new, self.said.on_existing)

    @property
    def has_begun(self) -> bool:
        """Whether it is known to move already."""
        return self.change.state != Change.State.PROPOSED


_open: dict[Mark, Watched] = {}


def open_changes() -> list[Watched]:
    """Return the changes that hosts may still take, the newest first.

    What was said of a change is never edited, so only those that are open anew, or were turned, are read.
    """
    global _open  # noqa: PLW0603 -- what was read last, replaced as a whole
    rows = Change.objects.filter(state__in=OPEN).order_by("-at", "-pk")[:MOST_WATCHED]
    marks: list[Mark] = list(rows.values_list("pk", "state", "key", "at"))
    known = _open  # another thread may read as well
    if marks != list(known):
        fresh = _read([mark[0] for mark in marks if mark not in known])
        both = {mark: known.get(mark) or fresh.get(mark[0]) for mark in marks}
        _open = known = {mark: one for mark, one in both.items() if one is not None}
    return list(known.values())


def is_watched(change: Change) -> bool:
    """Whether what hosts show is held against a change: it is open, and not older than as many as are watched."""
    if not change.is_open:
        return False
    newer = Q(at__gt=change.at) | Q(at=change.at, pk__gt=change.pk)
    return Change.objects.filter(newer, state__in=OPEN).count() < MOST_WATCHED


def _read(keys: Sequence[int]) -> dict[int, Watched]:
    """Return what was said of some changes, by their keys."""
    found = Change.objects.filter(pk__in=keys).select_related("expectation").prefetch_related("packages", "groups")
    return {change.pk: Watched(change, said_of(change), groups_of(change)) for change in found}


def said_of(change: Change) -> Said:
    """Return what was said of a change; one that nobody announced has packages and no more."""
    wanted = {package.name: package.version for package in change.packages.all()}
    expectation: Expectation | None = getattr(change, "expectation", None)
    if expectation is None:
        return Said(change.pk, wanted)
    return Said(
        change.pk,
        wanted,
        expectation.on_new,
        expectation.on_existing,
        units=frozenset(expectation.units),
        clusters=frozenset(expectation.clusters),
        roles=frozenset(expectation.roles),
        environments=frozenset(expectation.environments),
        tags=frozenset(expectation.tags),
    )


def by_package(changes: Sequence[Watched]) -> dict[str, list[Watched]]:
    """Return changes by the packages that they are about."""
    found: dict[str, list[Watched]] = {}
    for watched in changes:
        for name in watched.said.packages:
            found.setdefault(name, []).append(watched)
    return found


def about(one: Observation, changes: Mapping[str, Sequence[Watched]]) -> list[Watched]:
    """Return the changes that are about the packages that moved, each once."""
    names = {move.name for move in one.moves}
    return list({watched.change.pk: watched for name in names for watched in changes.get(name, ())}.values())


def is_new_for(change: Change, host: Host) -> bool:
    """Tell whether a host is new for a change: heard of after it, and not older by its own word.

    A host that was there before, on which the reporter alone is new, is an existing one.
    """
    was_there = host.installed_at is not None and host.installed_at < change.received_at
    return host.first_heard_at >= change.received_at and not was_there
