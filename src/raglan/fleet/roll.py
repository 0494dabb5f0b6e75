"""Tells changes which hosts a hold is for, and the gate which tokens are of those that tell of hosts."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from raglan.changes import ports
from raglan.changes.hold_models import Hold, HoldHeard
from raglan.core.clock import now
from raglan.core.secrets import digest
from raglan.fleet.models import FleetSource, Host

PLACES = ("cluster", "role", "environment")


class Roll:
    """Hosts that were not taken out."""

    def call(self, hold: Hold, *, most: int) -> ports.RollCall:
        """Say who has not asked under a hold, those first that were heard longest ago."""
        hosts = reached_by(hold)
        quiet = hosts.exclude(name__in=HoldHeard.objects.filter(hold=hold).values("host"))
        some = quiet.order_by("last_heard_at", "name").values_list("name", "last_heard_at")[:most]
        return ports.RollCall(hosts.count(), quiet.count(), [ports.Silent(name, at) for name, at in some])

    def known(self, names: Collection[str]) -> set[str]:
        """Return which of some names are of hosts that are known."""
        return set(Host.objects.filter(name__in=names, retired_at__isnull=True).values_list("name", flat=True))


def reached_by(hold: Hold) -> QuerySet[Host]:
    """Return the hosts that a hold is for, by where they say they belong; upper and lower case are the same."""
    wanted = Q(retired_at__isnull=True)
    for place in PLACES:
        if names := getattr(hold, f"{place}s"):
            one = Q()
            for name in names:
                one |= Q(**{f"{place}__iexact": name})
            wanted &= one
    return Host.objects.filter(wanted)


def knows(token: str) -> bool:
    """Whether a token is of a source that tells of hosts."""
    said = digest(token)
    current = Q(token_digest=said) | Q(previous_digest=said, previous_ends_at__gt=now())
    return FleetSource.objects.filter(current, disabled_at__isnull=True).exists()


ports.register_roll(Roll())
