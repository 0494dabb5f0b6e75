"""Reads of holds."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from raglan.changes.gate import Exempt, HoldRule
from raglan.changes.hold_models import Freeze, Hold, HoldDrill, HoldException, HoldHeard
from raglan.core.clock import now
from raglan.core.errors import NotFound


def holds() -> QuerySet[Hold]:
    """All holds, the newest first."""
    return Hold.objects.order_by("-starts_at", "-pk")


def hold(pk: int) -> Hold:
    """Return one. Raises NotFound."""
    found = Hold.objects.select_related("freeze").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such hold.")
    return found


def on_now() -> QuerySet[Hold]:
    """Holds that stop automation now, the one that ends last first."""
    at = now()
    return Hold.objects.filter(ended_at__isnull=True, starts_at__lte=at, ends_at__gt=at).order_by("-ends_at", "-pk")


def coming() -> QuerySet[Hold]:
    """Holds that have not begun, the next first."""
    return Hold.objects.filter(ended_at__isnull=True, starts_at__gt=now()).order_by("starts_at", "pk")


def over() -> QuerySet[Hold]:
    """Holds that are over, the newest first."""
    return holds().filter(Q(ended_at__isnull=False) | Q(ends_at__lte=now()))


def state_of(found: Hold, at: datetime) -> str:
    """Return `on`, `coming` or `over`."""
    if found.ended_at is not None or found.ends_at <= at:
        return "over"
    return "coming" if found.starts_at > at else "on"


def rules() -> list[HoldRule]:
    """Return what the gate looks at: all that is on or to come, with its exceptions."""
    at = now()
    found = list(Hold.objects.filter(ended_at__isnull=True, ends_at__gt=at).order_by("pk"))
    but: dict[int, list[Exempt]] = {}
    for one in HoldException.objects.filter(hold__in=[item.pk for item in found], ends_at__gt=at).order_by("pk"):
        but.setdefault(one.hold_id, []).append(Exempt(one.kind, one.name, one.ends_at))
    return [rule_of(item, tuple(but.get(item.pk, ()))) for item in found]


def rule_of(found: Hold, but: tuple[Exempt, ...] = ()) -> HoldRule:
    """Return a hold as the gate sees it."""
    return HoldRule(
        found.pk, found.name, found.reason, found.starts_at, found.ends_at, found.reach, but, is_drill=found.is_drill
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """How many hosts have heard of a hold: those that stopped, and those that were let through."""

    obeyed: int
    let_through: int


def tally(found: Hold) -> Tally:
    """Count who has heard of a hold."""
    if found.obeyed is not None:
        return Tally(found.obeyed, found.let_on or 0)
    counted = HoldHeard.objects.filter(hold=found).aggregate(
        obeyed=Count("pk", filter=Q(stopped=True)), let_on=Count("pk", filter=Q(stopped=False))
    )
    return Tally(counted["obeyed"], counted["let_on"])


def heard_of(found: Hold) -> QuerySet[HoldHeard]:
    """Hosts that have heard of a hold: those that were let through first, then the newest word."""
    return HoldHeard.objects.filter(hold=found).order_by("stopped", "-last_at", "host")


def exceptions_of(found: Hold) -> QuerySet[HoldException]:
    """Who may go on although a hold is for them, oldest first."""
    return HoldException.objects.filter(hold=found).order_by("pk")


def exception(pk: int, of: Hold) -> HoldException:
    """Return one exception of a hold. Raises NotFound."""
    found = HoldException.objects.select_related("hold").filter(pk=pk, hold=of).first()
    if found is None:
        raise NotFound("There is no such exception.")
    return found


def last_drill() -> HoldDrill | None:
    """Return the drill that ended last."""
    return HoldDrill.objects.select_related("hold").filter(ended_at__isnull=False).order_by("-ended_at", "-pk").first()


def freezes() -> QuerySet[Freeze]:
    """Freezes that come again, by their first day."""
    return Freeze.objects.filter(ended_at__isnull=True).order_by("first", "start", "pk")


def freeze(pk: int) -> Freeze:
    """Return one. Raises NotFound."""
    found = Freeze.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such freeze.")
    return found
