"""A change that no further host has taken for long is over: by its author's word, or by itself."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Max

from raglan.changes import proposing
from raglan.changes.models import Change
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.fleet.watch_models import Arrival
from raglan.ui.wording import span

LOOK = "fleet.settle_change"
QUIET = timedelta(days=7)
QUIET_FOUND = timedelta(days=1)  # nobody is there to say that it is done


@timeline.reaction("change.proposed", "change.turned")
def look_later(event: timeline.Happened) -> None:
    """A change that is under way is looked at once it may have become quiet."""
    change = Change.objects.filter(pk=int(str(event.data["change"]))).first()
    if change is not None and change.state == Change.State.UNDER_WAY:
        timers.schedule(LOOK, subject=timeline.ref(change), due_at=quiet_from(change))


def quiet_from(change: Change) -> datetime:
    """Return when a change that is under way is over if no further host takes it."""
    last = Arrival.objects.filter(change=change).aggregate(last=Max("at"))["last"]
    begun = change.started_at or change.at
    return max(last or begun, begun) + _quiet(change)


def _quiet(change: Change) -> timedelta:
    return QUIET_FOUND if change.is_found and change.author_id is None else QUIET


@timers.handler(LOOK)
def settle(due: timers.Due) -> None:
    """End a change that became quiet; look again later at one that has not."""
    change = Change.objects.filter(pk=due.subject_id, state=Change.State.UNDER_WAY).first()
    if change is None:
        return
    at = quiet_from(change)
    if at > now():
        timers.schedule(LOOK, subject=due.subject, due_at=at)
        return
    with suppress(Conflict):  # somebody was faster by a moment
        words = f"No further host took it for {span(_quiet(change))}."
        proposing.turn(change, Change.State.DONE, actor=timeline.SYSTEM, words=words)
