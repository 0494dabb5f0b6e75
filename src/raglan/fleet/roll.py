"""Tells changes which hosts a hold is for and where hosts belong, and the gate which tokens tell of hosts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from raglan.changes import ports
from raglan.changes.gate import GO, Asked
from raglan.changes.hold_models import Hold, HoldHeard
from raglan.core.clock import now
from raglan.core.secrets import digest
from raglan.fleet import tags
from raglan.fleet.models import FleetSource, Host

SLACK = timedelta(minutes=1)  # a host that asked just before a hold began may say so just after it
PLACES = ("cluster", "role", "environment")
AT_ONCE = 500


class Roll:
    """Hosts that were not taken out."""

    def call(self, hold: Hold, *, most: int, skip: int = 0) -> ports.RollCall:
        """Say who was not told of a hold, those first that asked elsewhere and went on, then the longest silent."""
        hosts = reached_by(hold)
        untold = hosts.exclude(name__in=HoldHeard.objects.filter(hold=hold).values("host"))
        went_on = untold.filter(gate_asked_at__gte=hold.starts_at + SLACK, gate_answer=GO)
        quiet = untold.exclude(pk__in=went_on.values("pk"))
        counts = hosts.count(), went_on.count(), quiet.count()
        first = _some(went_on, skip, most)
        then = _some(quiet, max(skip - counts[1], 0), most - len(first))
        some = [ports.Silent(name, at, went_on=True) for name, at in first]
        return ports.RollCall(*counts, [*some, *(ports.Silent(name, at) for name, at in then)])

    def known(self, names: Collection[str]) -> set[str]:
        """Return which of some names are of hosts that are known."""
        return set(Host.objects.filter(name__in=names, retired_at__isnull=True).values_list("name", flat=True))

    def placed(self, named: Mapping[str, Collection[str]]) -> Iterator[Sequence[tuple[str, Asked]]]:
        """Yield hosts in portions, with those of some places and tags, in small letters, that they have."""
        living, after = Host.objects.filter(retired_at__isnull=True).order_by("pk"), 0
        kept: dict[tuple[tuple[str, ...], ...], Asked] = {}  # hosts have few different words: one object for all alike
        while rows := list(living.filter(pk__gt=after).values_list("pk", "name", *PLACES, "tags")[:AT_ONCE]):
            after = rows[-1][0]
            yield [(row[1], asked) for row in rows if (asked := _asked(row, named, kept)) is not None]

    def has(self, asked: Asked) -> bool:
        """Tell whether a host has all of some places and tags; also where nobody is known."""
        living = Host.objects.filter(retired_at__isnull=True)
        found = living
        for place in PLACES:
            for name in getattr(asked, f"{place}s"):
                found = found.filter(**{f"{place}__iexact": name})
        for tag in asked.tags:
            found = found.filter(tags.having(tag, any_case=True))
        return found.exists() or not living.exists()


def _asked(
    row: tuple[Any, ...],
    named: Mapping[str, Collection[str]],
    kept: dict[tuple[tuple[str, ...], ...], Asked],
) -> Asked | None:
    """Return those words of a host that are named, or none."""
    _, _, cluster, role, environment, tags_of = row
    words = (
        (cluster,) if cluster.casefold() in named["clusters"] else (),
        (role,) if role.casefold() in named["roles"] else (),
        (environment,) if environment.casefold() in named["environments"] else (),
        tuple(tag for tag in tags_of if tag.casefold() in named["tags"]) if tags_of else (),
    )
    if not any(words):
        return None
    found = kept.get(words)
    if found is None:
        found = kept[words] = Asked("", *words)
    return found


def _some(hosts: QuerySet[Host], skip: int, most: int) -> list[tuple[str, datetime]]:
    found = hosts.order_by("last_heard_at", "name", "pk").values_list("name", "last_heard_at")
    return list(found[skip : skip + most]) if most else []


def reached_by(hold: Hold) -> QuerySet[Host]:
    """Return the hosts that a hold is for, by where they say they belong; upper and lower case are the same."""
    wanted = Q(retired_at__isnull=True)
    for place in PLACES:
        if names := getattr(hold, f"{place}s"):
            one = Q()
            for name in names:
                one |= Q(**{f"{place}__iexact": name})
            wanted &= one
    if hold.tags:
        wanted &= tags.having(*hold.tags, any_case=True)
    return Host.objects.filter(wanted)


def knows(token: str) -> bool:
    """Whether a token is of a source that tells of hosts."""
    said = digest(token)
    current = Q(token_digest=said) | Q(previous_digest=said, previous_ends_at__gt=now())
    return FleetSource.objects.filter(current, disabled_at__isnull=True).exists()


ports.register_roll(Roll())
