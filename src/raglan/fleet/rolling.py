"""Where each rollout group of a change is: how many of its hosts have it, when it began, until when it soaks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Case, Count, F, IntegerField, Min, Q, Value, When

from raglan.changes.grouping import Group, in_order
from raglan.changes.queries import groups_of
from raglan.fleet import tags
from raglan.fleet.progress import Counts, Progress

OTHERS = Group("all others")


@dataclass(frozen=True, slots=True)
class Rolling:
    """A group on its way. `early` says that it began before the one before it had soaked."""

    group: Group
    counts: Counts
    first_at: datetime | None
    soaks_until: datetime | None
    early: bool = False

    def look(self, at: datetime) -> tuple[str, str]:
        """Return how it looks, and in words where it is."""
        if self.group.is_aside:
            return ("bad", "Reached, although kept aside") if self.counts.reached else ("good", "Kept aside")
        if self.first_at is None:
            return "unknown", "Waits"
        if self.counts.differs:
            return "bad", "Differs"
        if self.soaks_until is not None and at < self.soaks_until:
            return "change", "Soaks"
        return ("good", "Everywhere") if not self.counts.left else ("change", "Under way")


def rolling(progress: Progress) -> list[Rolling]:
    """Return where each group of a change is, in the order of its author; all others come last. None without groups."""
    groups = groups_of(progress.change)
    if not groups:
        return []
    order = in_order(groups)
    counts, first = _counted(progress, order)
    places = {id(group): place for place, group in enumerate(order)}
    found: list[Rolling] = []
    before: datetime | None = None
    for group in (*groups, OTHERS):
        place = places.get(id(group), -1)
        began = first.get(place)
        until = began + timedelta(minutes=group.soak_min) if began else None
        early = bool(began and before and began < before and not group.is_aside)
        found.append(Rolling(group, counts.get(place, Counts()), began, until, early))
        before = before if group.is_aside else until or datetime.max.replace(tzinfo=progress.at.tzinfo)
    return found if found[-1].counts.total else found[:-1]


def _counted(progress: Progress, order: Sequence[Group]) -> tuple[dict[int, Counts], dict[int, datetime]]:
    counts: dict[int, Counts] = {}
    first: dict[int, datetime] = {}
    arrived = progress.arrivals.annotate(place=F("host_id") % 100, grp=_case(order, "host__"))
    for place, state, hosts, began in (
        arrived.values_list("grp", "state").annotate(hosts=Count("pk"), began=Min("at")).order_by()
    ):
        counts[place] = replace(counts.get(place, Counts()), **{str(state): hosts})
        first[place] = min(began, first.get(place, began))
    left = progress.left.annotate(place=F("pk") % 100, grp=_case(order, ""))
    for place, hosts in left.values_list("grp").annotate(hosts=Count("pk")).order_by():
        counts[place] = replace(counts.get(place, Counts()), **{"kept" if progress.is_settled else "waiting": hosts})
    return counts, first


def _case(order: Sequence[Group], prefix: str) -> Case:
    whens = [When(fits(group, prefix), then=Value(place)) for place, group in enumerate(order)]
    return Case(*whens, default=Value(-1), output_field=IntegerField())


def fits(group: Group, prefix: str = "") -> Q:
    """Return what finds the hosts of a group; `place` is a host's number in a hundred."""
    wanted = Q(place__lt=group.share)
    for name, value in (("cluster", group.cluster), ("role", group.role)):
        if value:
            wanted &= Q(**{f"{prefix}{name}": value})
    if group.tag:
        wanted &= tags.having(group.tag, prefix=prefix)
    if group.hosts:
        wanted &= Q(**{f"{prefix}name{_how(group.hosts)}": group.hosts.strip("*")})
    return wanted


def _how(pattern: str) -> str:
    match pattern.startswith("*"), pattern.endswith("*"):
        case True, True:
            return "__contains"
        case True, False:
            return "__endswith"
        case False, True:
            return "__startswith"
        case _:
            return ""
