"""How flapping ends: after a time without a change, or when it is switched off. What still fires then pages."""

from datetime import timedelta

from raglan.alerts import events, queries
from raglan.alerts.flapping import OPEN, QUIET
from raglan.alerts.holds import review
from raglan.alerts.models import Alert, Flap
from raglan.alerts.pipeline.flap import spell
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn

AGAIN = timedelta(minutes=1)


@atomic
def end_flap(flap: Flap, *, why: str, actor: timeline.Subject = timeline.SYSTEM) -> None:
    """Let an alert be an ordinary one again; what still fires pages now. Safe to call twice."""
    take_turn("alerts")
    at = now()
    if not Flap.objects.filter(pk=flap.pk, ended_at__isnull=True).update(ended_at=at):
        return
    for kind in (QUIET, OPEN):
        timers.cancel(kind, subject=timeline.ref(flap))
    newest = Alert.objects.filter(pk__in=queries.newest_of([flap.fingerprint])).first()
    about: list[timeline.Subject] = [newest, f"group:{newest.group_id}"] if newest else []
    steady = events.AlertSteady(flap=flap.pk, title=flap.title, why=why, ended_at=at)
    timeline.append(steady, actor=actor, about=[*about, "alerts", "now"])
    review(held_only=True)


@atomic
def end_flaps(*, source_id: int | None = None, route_id: int | None = None, actor: timeline.Subject) -> None:
    """End what flaps of a source, or of a route, because it is switched off there."""
    found = Flap.objects.filter(ended_at__isnull=True).order_by("pk")
    of = found.filter(source_id=source_id) if source_id is not None else found.filter(route=route_id)
    for flap in of:
        end_flap(flap, why="flapping is switched off for it", actor=actor)


@timers.handler(QUIET, on_parked=timers.goes_on(AGAIN))
def look_for_quiet(due: timers.Due) -> None:
    """Look whether a flapping alert was quiet for its time; one timer stands, which changes do not move."""
    take_turn("alerts")
    flap = Flap.objects.filter(pk=due.subject_id, ended_at__isnull=True).first()
    if flap is None:
        return
    quiet = timedelta(seconds=flap.quiet_s)
    if now() < flap.last_at + quiet:
        timers.schedule(QUIET, subject=due.subject, due_at=flap.last_at + quiet)
    else:
        end_flap(flap, why=f"nothing changed for {spell(quiet)}")


@timers.handler(OPEN, on_parked=timers.goes_on(AGAIN))
def look_at_open(due: timers.Due) -> None:
    """A critical alert that flaps may have stayed open too long to be held back."""
    review(held_only=True)
