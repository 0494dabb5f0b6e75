"""The variety register: hosts on which automation does not run as it does elsewhere, why, and what they carried.

A host that does not converge looks like something to put right. It may also be what serves when a change breaks all
others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from raglan.changes.models import Change
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotFound
from raglan.fleet import reach, watch_events
from raglan.fleet.models import Host, HostService
from raglan.fleet.open_changes import said_of
from raglan.fleet.variety_models import Variety
from raglan.fleet.watch_models import Arrival
from raglan.people.models import Person

# Automation is late on a host when the last run that converged is older than this; by the seconds between its runs.
LATE = ((20 * 60, timedelta(hours=1)), (2 * 3600, timedelta(hours=6)), (2**31, timedelta(days=4)))
LOOKED_AT, READ = 10, 1_000


def register() -> QuerySet[Host]:
    """Living hosts on which no run converged for long, or none ever did beside others, and those noted by somebody."""
    at, late, least = now(), Q(), 0
    for most, wait in LATE:
        late |= Q(run_interval_s__gt=least, run_interval_s__lte=most, well_until__lt=at - wait)
        least = most
    once = Q(run_interval_s=0, well_until__lt=at - LATE[-1][1])
    near = Host.objects.filter(converged_at__isnull=False, retired_at__isnull=True).values("cluster").distinct()
    never = Q(well_until__isnull=True, cluster__in=near.order_by())
    noted = Q(variety__isnull=False)
    known = Host.objects.annotate(well_until=Coalesce("converged_at", "failing_since"))
    found = known.filter(retired_at__isnull=True).filter(noted | (Q(silent_since__isnull=True) & (late | once | never)))
    return found.select_related("variety__by").order_by(F("converged_at").asc(nulls_first=True), "name", "pk")


def was_converging_seen() -> bool:
    """Whether a run that converged was ever seen on a living host: without one the register can name nobody."""
    return Host.objects.filter(converged_at__isnull=False, retired_at__isnull=True).exists()


def host(pk: int) -> Host:
    """Return a host with what is noted of it. Raises NotFound."""
    found = Host.objects.select_related("variety__by").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such host.")
    return found


@atomic
def note(found: Host, *, why: str, wish: str, by: Person) -> Variety:
    """Say why a host does not converge, and what is to become of it. Raises BadInput."""
    if wish not in Variety.Wish.values:
        raise BadInput("wish", f"write one of {', '.join(Variety.Wish.values)}", status=422)
    fields = {"why": why.strip()[:500], "wish": wish, "by": by, "at": now()}
    row, _ = Variety.objects.update_or_create(host=found, defaults=fields)
    said = watch_events.VarietyNoted(host=found.pk, why=row.why, wish=wish, by=by.pk, at=row.at)
    timeline.append(said, actor=by, about=[found, "hosts"])
    return row


@dataclass(frozen=True, slots=True)
class Kept:
    """A change that differed elsewhere and never came to a host: that host went on as it was."""

    change: Change
    hosts: int


def kept_through(found: Host) -> list[Kept]:
    """Return the changes that differed on other hosts, were meant for this one, and never came to it."""
    differs = Q(state__in=(Arrival.State.DIFFERS, Arrival.State.BACK))
    return [
        Kept(change, Arrival.objects.filter(differs, change=change).count())
        for change in islice(_missed(found), LOOKED_AT)
    ]


def _missed(found: Host) -> Iterator[Change]:
    """Yield the changes that were meant for a host and never came to it, the newest first."""
    began = Change.objects.filter(started_at__gt=found.first_heard_at, surprises__isnull=False).distinct()
    here = Arrival.objects.filter(change=OuterRef("pk"), host=found)
    missed = began.filter(~Exists(here)).select_related("expectation").prefetch_related("packages")
    newest = missed.order_by("-started_at", "-pk")
    for first in range(0, READ, LOOKED_AT * 10):
        rows = list(newest[first : first + LOOKED_AT * 10])
        yield from (change for change in rows if _is_meant(change, found))
        if len(rows) < LOOKED_AT * 10:
            return


def _is_meant(change: Change, found: Host) -> bool:
    said = said_of(change)
    if not said.reaches(cluster=found.cluster, role=found.role, environment=found.environment, tags=found.tags):
        return False
    holding = reach.held([found.packages_id], said.packages) if found.packages_id and said.packages else {}
    return not holding or any(holding.values())


def serves(hosts: Sequence[Host]) -> dict[int, list[str]]:
    """Return the short names of the services that hosts carry."""
    found: dict[int, list[str]] = {}
    for pk, slug in HostService.objects.filter(host__in=hosts).order_by("slug").values_list("host", "slug"):
        found.setdefault(pk, []).append(slug)
    return found
