"""How long what hosts told stays: moves for their days, samples for two weeks, lists while a host has them."""

from datetime import timedelta

from django.db.models import Exists, Model, OuterRef, QuerySet

from raglan.config import config
from raglan.core import timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.fleet.models import FleetPayload, Host, PackageMove, PackageSet, UnitSet, UnitTurn

FORGET = "fleet.forget"
EVERY = timedelta(minutes=10)
AT_ONCE = 2_000
SAMPLES = timedelta(days=14)
UNUSED = timedelta(hours=1)  # a host may come back to what it had, as after a way back


def forget_old() -> int:
    """Delete what is beyond its time, some at once; return the most that was deleted of one kind."""
    at = now()
    told = at - timedelta(days=config().fleet_days)
    found: list[QuerySet[Model]] = [
        PackageMove.objects.filter(at__lt=told).order_by("at"),
        UnitTurn.objects.filter(at__lt=told).order_by("at"),
        FleetPayload.objects.filter(received_at__lt=at - SAMPLES),
        unused(PackageSet, "packages"),
        unused(UnitSet, "units"),
    ]
    return max(_delete(rows) for rows in found)


def unused(model: type[PackageSet] | type[UnitSet], field: str) -> QuerySet[Model]:
    """Lists that no host has any more."""
    used = Host.objects.filter(**{field: OuterRef("pk")})
    return model.objects.filter(~Exists(used), first_seen_at__lt=now() - UNUSED)


@atomic
def _delete(rows: QuerySet[Model]) -> int:
    keys = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    return rows.model._default_manager.filter(pk__in=keys).delete()[0] if keys else 0


@timers.handler(FORGET, on_parked=timers.goes_on(EVERY))
def forget(due: timers.Due) -> None:
    """Delete what is beyond its time, again soon while there is more."""
    wait = timedelta(seconds=5) if forget_old() >= AT_ONCE else EVERY
    timers.schedule(FORGET, subject=due.subject, due_at=now() + wait)
