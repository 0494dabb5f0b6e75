"""Services that were active and stay down: a restart takes a moment, so that it is looked at a little later.

A service that failed is told at once. One that is inactive, or on its way down or up, may be in the middle of a restart
that was wanted; only when it is still not active after a while is that shown to the judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from raglan.core import timers
from raglan.core.clock import now
from raglan.fleet import ports
from raglan.fleet.judging import DOWN_STATES
from raglan.fleet.models import UnitTurn
from raglan.fleet.ports import Observation, ServiceTurn

LOOK = "fleet.look_at_stopped"
SUBJECT = "fleet"
LASTS = timedelta(seconds=30)
SLACK = timedelta(minutes=10)  # reports come in another order than what they tell of happened
LOOK_BACK = timedelta(hours=1)
AT_ONCE = 1_000
ACTIVE = "active"


@dataclass(slots=True)
class _Down:
    """Services of hosts that are down: since when each is not active, and in which state it is now."""

    left_at: dict[tuple[int, str], datetime] = field(default_factory=dict)
    state: dict[tuple[int, str], str] = field(default_factory=dict)

    def take(self, host: int, turn: ServiceTurn, at: datetime) -> None:
        """Take the next turn of a service."""
        key = host, turn.name
        if turn.now not in DOWN_STATES:
            self.left_at.pop(key, None)
            return
        if turn.was == ACTIVE:
            self.left_at[key] = at
        self.state[key] = turn.now

    def lasting(self, until: datetime) -> dict[int, list[tuple[str, datetime]]]:
        """Return the services of each host that have been down since before a time."""
        found: dict[int, list[tuple[str, datetime]]] = {}
        for (host, name), at in self.left_at.items():
            if at <= until:
                found.setdefault(host, []).append((name, at))
        return found


def look_later(seen: Sequence[Observation]) -> None:
    """Plan a look at services that are not active any more."""
    gone = [one.at for one in seen if any(turn.was == ACTIVE and turn.now in DOWN_STATES for turn in one.turns)]
    if gone and not timers.is_planned(LOOK, subject=SUBJECT):
        _plan(now() + LASTS, max(min(gone), now() - LOOK_BACK) - SLACK)


def _plan(due_at: datetime, since: datetime) -> None:
    timers.schedule(LOOK, subject=SUBJECT, due_at=due_at, payload={"since": since.isoformat()})


@timers.handler(LOOK)
def look(due: timers.Due) -> None:
    """Show the judges what has not come back; look again for what may still do so."""
    since, at = datetime.fromisoformat(str(due.payload["since"])), now()
    gone = UnitTurn.objects.filter(at__gte=since, was=ACTIVE, state__in=sorted(DOWN_STATES)).order_by("at", "pk")
    rows = list(gone.filter(at__lte=at - LASTS).values_list("host", "at")[:AT_ONCE])
    if rows:
        down = _turns({host for host, _ in rows}, since)
        lasting = down.lasting(at - LASTS)
        ports.judge([_observation(host, many, down, at) for host, many in sorted(lasting.items())])
    young = gone.filter(at__gt=at - LASTS).values_list("at", flat=True).first()
    if len(rows) == AT_ONCE and rows[-1][1] > since:
        _plan(at, rows[-1][1])
    elif young is not None:
        _plan(young + LASTS, young)


def _turns(hosts: set[int], since: datetime) -> _Down:
    down = _Down()
    rows = UnitTurn.objects.filter(host__in=hosts, at__gte=since).order_by("at", "pk")
    for host, name, was, state, at in rows.values_list("host", "name", "was", "state", "at"):
        down.take(host, ServiceTurn(name, was, state), at)
    return down


def _observation(host: int, many: Sequence[tuple[str, datetime]], down: _Down, at: datetime) -> Observation:
    stopped = [ServiceTurn(name, ACTIVE, down.state[host, name]) for name, _ in sorted(many)]
    return Observation(host, max(left for _, left in many), at, stopped=stopped)
