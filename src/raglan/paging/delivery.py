"""Handing a notification to its provider, by lease.

Claim (compare-and-set to *sending*), send with a key outside any transaction, record the outcome. When the process
dies between the send and the record, the timer's lease ends, the work is done again and the message says that it may
be a repeat.
"""

import time
from datetime import timedelta

from raglan.config import config
from raglan.core import metrics, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, fault_point
from raglan.core.errors import DeliveryError
from raglan.paging import actions, events, ports, queries
from raglan.paging.models import Notification, Page, Reached

RETRIES = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=40))


def deliver(due: timers.Due) -> None:
    """Hand one notification over. Runs outside any transaction."""
    notification = _claim(due.subject_id)
    if notification is None:
        return
    fault_point("deliver.claimed")
    started = time.monotonic()
    try:
        receipt = ports.channel(notification.channel).send(notification.address, message_of(notification))
    except DeliveryError as error:
        metrics.sends.labels(notification.channel, "failed").inc()
        _record_failure(notification, error)
        return
    fault_point("deliver.sent")
    metrics.sends.labels(notification.channel, "handed_over").inc()
    metrics.send_seconds.labels(notification.channel).observe(time.monotonic() - started)
    _record_success(notification, receipt)


@atomic
def _claim(notification_id: int) -> Notification | None:
    """Move to *sending*; a notification found in *sending* was cut off, and goes out again marked as a repeat."""
    notification = (
        Notification.objects.select_for_update(of=("self",))
        .select_related("page", "person", "reached")
        .filter(pk=notification_id, state__in=(Notification.State.WAITING, Notification.State.SENDING))
        .first()
    )
    if notification is None:
        return None
    if not queries.is_wanted(notification):
        notification.state = Notification.State.CANCELLED
        notification.save(update_fields=["state"])
        timeline.append(events.NotificationCancelled(notification=notification.pk), about=[notification.page])
        return None
    notification.may_repeat = notification.may_repeat or notification.state == Notification.State.SENDING
    notification.state = Notification.State.SENDING
    notification.attempts += 1
    notification.save(update_fields=["state", "attempts", "may_repeat"])
    return notification


@atomic
def _record_success(notification: Notification, receipt: ports.Receipt) -> None:
    at = now()
    done = Notification.objects.filter(pk=notification.pk, state=Notification.State.SENDING).update(
        state=Notification.State.HANDED_OVER,
        handed_over_at=at,
        received_at=at if receipt.received else None,
        provider_id=receipt.provider_id[:200],
        error="",
    )
    if done:
        timeline.append(
            events.NotificationHandedOver(
                notification=notification.pk,
                person=notification.person_id,
                channel=notification.channel,
                attempt=notification.attempts,
                may_repeat=notification.may_repeat,
                handed_over_at=at,
                is_received=receipt.received,
                provider_id=receipt.provider_id[:200],
            ),
            about=[notification.page, f"person:{notification.person_id}"],
        )


@atomic
def _record_failure(notification: Notification, error: DeliveryError) -> None:
    page = Page.objects.select_for_update(no_key=True).get(pk=notification.page_id)  # pages before messages
    again = not error.permanent and notification.attempts <= len(RETRIES)
    state = Notification.State.WAITING if again else Notification.State.FAILED
    Notification.objects.filter(pk=notification.pk, state=Notification.State.SENDING).update(
        state=state, error=error.sentence[:1000]
    )
    timeline.append(
        events.NotificationFailed(
            notification=notification.pk,
            person=notification.person_id,
            channel=notification.channel,
            attempt=notification.attempts,
            why=error.sentence[:1000],
            permanent=not again,
        ),
        about=[*actions.about(notification.page), f"person:{notification.person_id}"],
    )
    if again:
        due_at = now() + RETRIES[notification.attempts - 1]
        timers.schedule(actions.DELIVER, subject=f"notification:{notification.pk}", due_at=due_at)
    _bring_next_forward(notification)
    if not again and notification.reached_id is not None:
        _notice_unreachable(page, Reached.objects.get(pk=notification.reached_id), error.sentence)


def _bring_next_forward(notification: Notification) -> None:
    """Try the person's next way now: its wait was for an answer that can not come."""
    later = (
        Notification.objects.filter(
            reached_id=notification.reached_id or 0, state=Notification.State.WAITING, attempts=0
        )
        .exclude(pk=notification.pk)
        .order_by("due_at", "pk")
        .first()
    )
    if notification.reached_id and later and later.due_at > now():
        at = now()
        Notification.objects.filter(pk=later.pk).update(due_at=at)
        timers.cancel(actions.DELIVER, subject=f"notification:{later.pk}")
        timers.schedule(actions.DELIVER, subject=f"notification:{later.pk}", due_at=at)
        timeline.append(events.NotificationHurried(notification=later.pk, due_at=at), about=[notification.page])


def _notice_unreachable(page: Page, reached: Reached, why: str) -> None:
    """When every way to a person failed, say so at once; when nobody of the step is left, go to the next step.

    Both are read anew: somebody may have answered while the message was on its way.
    """
    if page.state not in actions.OPEN or reached.answer != Reached.Answer.NONE or queries.unsent(reached).exists():
        return
    actions._unreachable(reached, why)
    if not actions.somebody_left(page):
        actions.hurry(page)


def on_parked(due: timers.Due, error: str) -> None:
    """A delivery whose code raised again and again counts as failed, so that the next way is tried."""
    unsent = Notification.objects.filter(state__in=(Notification.State.WAITING, Notification.State.SENDING))
    notification = unsent.select_related("page", "reached").filter(pk=due.subject_id).first()
    if notification is not None:
        notification.attempts = max(notification.attempts, len(RETRIES) + 1)
        Notification.objects.filter(pk=notification.pk).update(state=Notification.State.SENDING)
        _record_failure(notification, DeliveryError(f"raglan itself failed: {error}", permanent=True))


def message_of(notification: Notification) -> ports.Message:
    """Return what the channel hands over."""
    page = notification.page
    token = queries.link_token(page, notification.person)
    known = ports.around(page).known
    words = "\n".join(f"{item.words} {item.text}".strip() for item in known)
    return ports.Message(
        key=notification.key,
        page_id=page.pk,
        person_name=notification.person.name,
        title=page.title,
        text="\n\n".join(part for part in (page.text, words) if part),
        severity=page.severity,
        since=page.created_at,
        why=notification.reached.why if notification.reached else "",
        link=f"{config().public_url}/p/{token}/",
        next_words=queries.next_words(page),
        may_repeat=notification.may_repeat,
        is_test=page.is_test,
    )
