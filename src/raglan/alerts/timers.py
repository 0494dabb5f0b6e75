"""What happens later in alerts."""

from datetime import timedelta

from raglan.alerts import actions
from raglan.alerts.ingest import EXPIRE_EVERY
from raglan.core import timers
from raglan.core.clock import now

EXPIRE = "alerts.expire"
FORGET = "alerts.forget"
FORGET_EVERY = timedelta(minutes=10)


@timers.handler(EXPIRE, on_parked=timers.goes_on(timedelta(minutes=1)))
def expire(due: timers.Due) -> None:
    """Resolve what its source did not repeat in time."""
    actions.expire()
    timers.schedule(EXPIRE, subject="alerts", due_at=now() + EXPIRE_EVERY)


@timers.handler(FORGET, on_parked=timers.goes_on(FORGET_EVERY))
def forget(due: timers.Due) -> None:
    """Delete raw signals beyond their time."""
    actions.forget_old_signals()
    timers.schedule(FORGET, subject="alerts", due_at=now() + FORGET_EVERY)
