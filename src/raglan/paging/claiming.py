"""Taking a notification to hand it over, and recording that it was: for all threads that do so at once, together.

In a storm every thread of the engine wants to store the same two small facts about a message of its own. What they
want at the same moment is one transaction with a few statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.core.db.together import Together
from raglan.paging import actions, events, ports, queries
from raglan.paging.models import Notification, Page

ASK = "paging.ask"
UNSENT = (Notification.State.WAITING, Notification.State.SENDING)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A notification that a thread wants to hand over.

    `goes_on` says that another provider failed it just before, so that this is no new attempt; `again` that one of
    those may have taken it.
    """

    id: int
    goes_on: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification that a provider took."""

    notification: Notification
    receipt: ports.Receipt
    provider: ports.Provider


def _claim(wanted: Sequence[Wanted]) -> list[Notification | None]:
    """Move to *sending*; a notification found in *sending* was cut off, and goes out again marked as a repeat."""
    live = wanted_of([item.id for item in wanted])
    return take([(live.pop(item.id, None), item) for item in wanted])


def wanted_of(ids: Sequence[int]) -> dict[int, Notification]:
    """Return, locked, those that are still to go out; what nobody needs any more is cancelled."""
    rows = Notification.objects.select_for_update(of=("self",)).filter(pk__in=ids, state__in=UNSENT).order_by("pk")
    with_all = rows.select_related("page", "person", "reached", "contact")
    if len(ids) > 1:  # most of many are about the same people: one object each instead of one a message
        with_all = rows.select_related("page", "reached").prefetch_related("person", "contact")
    found = {row.id: row for row in with_all}
    live = {pk: row for pk, row in found.items() if queries.is_wanted(row)}
    _cancel([row for pk, row in found.items() if pk not in live])
    return live


def take(found: Sequence[tuple[Notification | None, Wanted]]) -> list[Notification | None]:
    """Move what was found to *sending*."""
    taken = [_take(row, item) if row is not None else None for row, item in found]
    bulk.update([row for row in taken if row is not None], "state", "attempts", "may_repeat")
    return taken


def _take(notification: Notification, wanted: Wanted) -> Notification:
    cut_off = notification.state == Notification.State.SENDING
    notification.may_repeat = notification.may_repeat or wanted.again or cut_off
    notification.state = Notification.State.SENDING
    notification.attempts += 0 if wanted.goes_on or cut_off else 1  # a try that was cut off is taken up again
    return notification


def _cancel(rows: Sequence[Notification]) -> None:
    for row in rows:
        row.state = Notification.State.CANCELLED
    bulk.update(rows, "state")
    timeline.append_many((events.NotificationCancelled(notification=row.id), [row.page]) for row in rows)


def note_sent(sent: Sequence[Sent]) -> list[None]:
    """Note that messages were handed over, unless something else became of them meanwhile."""
    at = now()
    ids = sorted({item.notification.page_id for item in sent})
    unanswered = _tried_on(ids)  # pages before messages
    found = bulk.select_by(Notification, ("id", "state"), "id", [item.notification.id for item in sent], lock=True)
    sending = {pk for pk, state in found if state == Notification.State.SENDING}
    done = [item for item in sent if item.notification.id in sending]
    for item in done:
        _note(item, at)
    bulk.update([item.notification for item in done], "state", "handed_over_at", "provider", "provider_id", "error")
    bulk.update([item.notification for item in done if item.receipt.received], "received_at")
    timeline.append_many((_handed_over(item, at), _about(item)) for item in done)
    told = {item.notification.page_id for item in done}
    for page in unanswered:
        if page.id in told:
            actions.reached_somebody(page)
    for item in done:
        if item.provider.confirms is not None and item.receipt.provider_id:
            ask_later(item.notification.id, item.provider.confirms, times=0)
    return [None] * len(sent)


def _tried_on(ids: Sequence[int]) -> list[Page]:
    """Return, locked, those of some pages that nobody could be reached for as yet; nearly always none is."""
    states = bulk.select_by(Page, ("id", "state"), "id", ids)
    unanswered = [pk for pk, state in states if state == Page.State.UNANSWERED]
    if not unanswered:
        return []
    trying = queries.GOES_ON & Q(state=Page.State.UNANSWERED)
    return list(Page.objects.select_for_update(no_key=True).filter(trying, pk__in=unanswered).order_by("pk"))


def _note(item: Sent, at: datetime) -> None:
    row = item.notification
    row.state, row.handed_over_at, row.error = Notification.State.HANDED_OVER, at, ""
    row.provider, row.provider_id = item.provider.name[:40], item.receipt.provider_id[:200]
    if item.receipt.received:
        row.received_at = at


def _about(item: Sent) -> list[timeline.Subject]:
    return [item.notification.page, f"person:{item.notification.person_id}"]


def _handed_over(item: Sent, at: datetime) -> events.NotificationHandedOver:
    row = item.notification
    return events.NotificationHandedOver(
        notification=row.id,
        person=row.person_id,
        channel=row.channel,
        attempt=row.attempts,
        may_repeat=row.may_repeat,
        handed_over_at=at,
        is_received=item.receipt.received,
        provider=row.provider,
        provider_id=row.provider_id,
    )


def ask_later(notification_id: int, channel: ports.Confirms, *, times: int) -> None:
    """Plan to ask a provider what became of a message, as often as its channel says."""
    if times < len(channel.ask_after):
        due_at = now() + channel.ask_after[times]
        timers.schedule(ASK, subject=f"notification:{notification_id}", due_at=due_at, payload={"times": times})


claim = Together(_claim)
record = Together(note_sent)
