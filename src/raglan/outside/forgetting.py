"""What the outside keeps for a time only: addresses that nobody confirmed, and what became of messages."""

from datetime import timedelta

from raglan.core import timers
from raglan.core.clock import now
from raglan.outside.models import Sending, Subscriber
from raglan.outside.subscribing import VALID

FORGET = "outside.forget"
EVERY = timedelta(hours=1)
KEPT = timedelta(days=90)
State = Sending.State


@timers.handler(FORGET, on_parked=timers.goes_on(EVERY))
def forget(due: timers.Due) -> None:
    """Delete addresses whose link to confirm is over, and old messages that do not wait any more."""
    at = now()
    unconfirmed = Subscriber.objects.filter(kind=Subscriber.Kind.EMAIL, confirmed_at__isnull=True)
    unconfirmed.filter(asked_at__lt=at - VALID).delete()
    Sending.objects.exclude(state__in=(State.WAITING, State.SENDING)).filter(due_at__lt=at - KEPT).delete()
    timers.schedule(FORGET, subject=due.subject, due_at=at + EVERY)
