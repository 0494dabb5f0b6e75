"""Hosts on which a unit crashed and was started again: well again once it has stood for a while."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from raglan.changes.models import OPEN, Change
from raglan.core import bus, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.fleet import units
from raglan.fleet.judging import Difference
from raglan.fleet.models import Host
from raglan.fleet.stopping import ACTIVE
from raglan.fleet.watch_models import Arrival

LOOK = "fleet.look_at_crashed"
STOOD = timedelta(minutes=10)
AT_ONCE = 2_000


def look_later(change: int) -> None:
    """Plan a look at a change on whose hosts units crashed."""
    subject = f"{Change.ref_kind}:{change}"
    if not timers.is_planned(LOOK, subject=subject):
        timers.schedule(LOOK, subject=subject, due_at=now() + STOOD)


@timers.handler(LOOK)
@atomic
def look(due: timers.Due) -> None:
    """Let hosts be well again whose units have stood; look again later where some may still do so.

    What crashed stays written down. A host that was not heard since proves nothing, and a silent one is not waited for.
    """
    change = Change.objects.filter(pk=due.subject_id).first()
    if change is None:
        return
    wanted = Arrival.objects.filter(change=change, state=Arrival.State.DIFFERS)
    told = wanted.filter(difference__in=(Difference.CRASH, Difference.UNIT)).order_by("pk")
    rows = [one for one in told.select_for_update(no_key=True)[:AT_ONCE] if one.units]
    # Hosts as they are once the rows are ours.
    hosts = Host.objects.defer("gate_holds").in_bulk([one.host_id for one in rows])
    states = units.states({host.units_id for host in hosts.values() if host.units_id})
    stood = [one for one in rows if _settle(one, hosts[one.host_id], states)]
    Arrival.objects.bulk_update(stood, ["state", "back_at", "units"])
    if stood:
        bus.publish(["changes", timeline.ref(change)], timeline.newest_id())
    waits = [one for one in rows if one.units and hosts[one.host_id].silent_since is None]
    if waits and change.state in OPEN:
        look_later(change.pk)


def _settle(one: Arrival, host: Host, states: Mapping[int, Mapping[str, str]]) -> bool:
    """Take those units off a host that have stood; return whether that changed it."""
    are = states.get(host.units_id or 0, {})
    left = [name for name in one.units if not _stands(name, host, are)]
    if left == one.units:
        return False
    one.units = left
    if not left:
        one.state, one.back_at = Arrival.State.BACK, host.reported_at or now()
    return True


def _stands(name: str, host: Host, states: Mapping[str, str]) -> bool:
    started: object = host.starts.get(name)
    if states.get(name) != ACTIVE or not isinstance(started, int | float) or host.reported_at is None:
        return False
    since = datetime.fromtimestamp(started - host.clock_offset_s, host.reported_at.tzinfo)
    return host.reported_at - since >= STOOD
