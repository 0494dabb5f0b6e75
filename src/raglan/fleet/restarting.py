"""Units that were to restart with a change: whether they did, and what is told when they did not."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from raglan.changes.models import OPEN, Change
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.fleet.judging import BAD_STATES, plain_unit
from raglan.fleet.ports import Observation
from raglan.fleet.watch_models import Arrival

LOOK = "fleet.look_at_restarts"
WITHIN = timedelta(minutes=15)
MINUTES = round(WITHIN.total_seconds() / 60)


def awaited(units: Iterable[str], starts: Mapping[str, int], restarts: Sequence[str]) -> list[str]:
    """Return the units that are to restart and have not, of those whose starts a host tells."""
    named = {plain_unit(name) for name in units}
    return sorted(name for name in starts if plain_unit(name) in named and name not in restarts)


def of_what_was_up(seen: Observation, told: Iterable[str]) -> list[str]:
    """Return the units that were started anew though they were up; one `told` as down has come back by that."""
    down = {plain_unit(name) for name in (*told, *(turn.name for turn in seen.turns if turn.was in BAD_STATES))}
    return [name for name in seen.restarts if plain_unit(name) not in down]


def look_later(change: int, at: datetime) -> None:
    """Plan a look at a change on whose hosts units are still to restart."""
    subject = f"{Change.ref_kind}:{change}"
    if not timers.is_planned(LOOK, subject=subject):
        timers.schedule(LOOK, subject=subject, due_at=at)


def overdue(change: Change, at: datetime) -> list[Arrival]:
    """Return where units have not restarted in their time; plan another look where they may still.

    A host that was not heard since may have restarted them; once it is silent, nobody can tell.
    """
    if change.state not in OPEN:
        return []
    waiting = Arrival.objects.filter(change=change, waits_until__isnull=False)
    late = list(waiting.filter(waits_until__lte=at).select_related("host").order_by("at", "pk"))
    told = [one for one in late if one.host.reported_at is not None and one.host.reported_at > one.at]
    silent = [one.pk for one in late if one not in told and one.host.silent_since is not None]
    Arrival.objects.filter(pk__in=silent).update(waits_until=None)
    later = waiting.filter(waits_until__gt=at).order_by("waits_until").values_list("waits_until", flat=True).first()
    if len(told) + len(silent) < len(late):
        later = min(at + WITHIN, later or at + WITHIN)
    if later is not None:
        timers.schedule(LOOK, subject=timeline.ref(change), due_at=later)
    return told


def until() -> datetime:
    """Return until when a unit has time that is to restart from now on."""
    return now() + WITHIN
