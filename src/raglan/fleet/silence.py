"""Hosts that are not heard: told once, when a host is quiet for longer than it uses to be.

The time in which raglan itself did not listen is not held against anybody: whoever could not be heard gets as much
longer.
"""

from datetime import datetime, timedelta

from django.db.models import F

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.fleet import events, identity, owners
from raglan.fleet.models import Host

WATCH = "fleet.watch"
EVERY = timedelta(minutes=1)
MISSED = timedelta(minutes=3)  # a watch that comes so late says that raglan was away
AT_ONCE = 1_000
NAMED = 50


@atomic
def fall_silent(*, was_away: timedelta = timedelta(0)) -> int:
    """Mark hosts that are quiet for too long; return how many were marked now."""
    heard = Host.objects.filter(silent_since__isnull=True, retired_at__isnull=True, silent_at__isnull=False)
    if was_away:
        heard.update(silent_at=F("silent_at") + was_away)
    at = now()
    quiet = list(heard.filter(silent_at__lt=at).order_by("pk")[:AT_ONCE])
    gone = [host for host in quiet if identity.become_another(host) is None]
    Host.objects.filter(pk__in=[host.pk for host in gone]).update(silent_since=F("last_heard_at"))
    if gone:
        _tell(gone)
    return len(quiet)


def _tell(hosts: list[Host]) -> None:
    named = hosts[:NAMED]
    said = events.HostsFellSilent(
        count=len(hosts), hosts=[host.name for host in named], names=[f"host:{host.pk}" for host in named]
    )
    timeline.append(said, about=["hosts"])
    owners.look_later()


def late(due_at: datetime) -> timedelta:
    """Return for how long nobody listened, by how late a watch is."""
    by = now() - due_at
    return by if by > MISSED else timedelta(0)


@timers.handler(WATCH, on_parked=timers.goes_on(EVERY))
def watch(due: timers.Due) -> None:
    """Look once a minute; sooner when there were more than are marked at once."""
    marked = fall_silent(was_away=late(due.due_at))
    timers.schedule(WATCH, subject=due.subject, due_at=now() + (EVERY if marked < AT_ONCE else timedelta(seconds=1)))
