"""A change that no further host has taken for long is over, and so is one of which nothing came: by itself."""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Max

from raglan.changes import proposing
from raglan.changes.events import ChangeTurned
from raglan.changes.models import Change
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.core.models import EventSubject
from raglan.fleet.watch_models import Arrival
from raglan.ui.wording import span

LOOK = "fleet.settle_change"
QUIET = timedelta(days=7)
NOTHING_CAME = timedelta(days=14)
MOST_STALE = 50
QUIET_FOUND = timedelta(days=1)  # nobody is there to say that it is done

LOOKED_AT = (Change.State.PROPOSED, Change.State.UNDER_WAY)


@timeline.reaction("change.proposed", "change.turned")
def look_later(event: timeline.Happened) -> None:
    """A change is looked at once it may have become quiet; with each new one, those of which long nothing came."""
    change = Change.objects.filter(pk=int(str(event.data["change"]))).first()
    if change is not None and change.state in LOOKED_AT:
        timers.schedule(LOOK, subject=timeline.ref(change), due_at=quiet_from(change))
    if event.kind == "change.proposed":
        stale = Change.objects.filter(state=Change.State.PROPOSED, at__lte=now() - NOTHING_CAME)
        for one in stale.order_by("at", "pk")[:MOST_STALE]:
            timers.schedule(LOOK, subject=timeline.ref(one), due_at=now())


def quiet_from(change: Change) -> datetime:
    """Return when a change is over if no further host takes it, or when nothing came of it."""
    if change.state == Change.State.PROPOSED:
        return change.at + NOTHING_CAME
    last = Arrival.objects.filter(change=change).aggregate(last=Max("at"))["last"]
    begun = change.started_at or change.at
    return max(last or begun, begun, _went_on(change) or begun) + _quiet(change)


def _went_on(change: Change) -> datetime | None:
    """Return when it was last said to be under way again, after it was stopped or called over."""
    told = EventSubject.objects.filter(subject=timeline.ref(change), event__kind=ChangeTurned.kind).order_by("event")
    begun = [at for at, data in told.values_list("event__at", "event__data") if data["state"] == Change.State.UNDER_WAY]
    first = 0 if change.is_found else 1  # one that was found was never said to begin
    return begun[-1] if len(begun) > first else None


def _quiet(change: Change) -> timedelta:
    return QUIET_FOUND if change.is_found and change.author_id is None else QUIET


@timers.handler(LOOK)
def settle(due: timers.Due) -> None:
    """End a change that became quiet; look again later at one that has not."""
    change = Change.objects.filter(pk=due.subject_id, state__in=LOOKED_AT).first()
    if change is None:
        return
    at = quiet_from(change)
    if at > now():
        timers.schedule(LOOK, subject=due.subject, due_at=at)
        return
    with suppress(Conflict):  # somebody was faster by a moment
        to, words = _end(change)
        proposing.turn(change, to, actor=timeline.SYSTEM, words=words)


def _end(change: Change) -> tuple[str, str]:
    """Return what a change turns to, and why."""
    if change.state == Change.State.PROPOSED:
        words = f"Nothing came of it in {span(NOTHING_CAME)}. Propose it anew where it is still to come."
        return Change.State.TAKEN_BACK, words
    return Change.State.DONE, f"No further host took it for {span(_quiet(change))}."
