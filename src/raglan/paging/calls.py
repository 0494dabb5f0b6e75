"""Steps that tell a program: one signed POST for each step, by the webhook channel, with a lease as any message."""

from datetime import timedelta

from raglan.config import config
from raglan.core import metrics, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, fault_point
from raglan.core.errors import DeliveryError
from raglan.paging import actions, coming, events, ports
from raglan.paging.models import Notification, Page, WebhookCall

RETRIES = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
UNSENT = (Notification.State.WAITING, Notification.State.SENDING)


def call(due: timers.Due) -> None:
    """Tell one program. Runs outside any transaction."""
    found = _claim(due.subject_id)
    if found is None:
        return
    fault_point("call.claimed")
    try:
        ports.channel("webhook").send(found.url, message_of(found))
    except DeliveryError as error:
        metrics.sends.labels("webhook", "failed").inc()
        _failed(found, error)
        return
    fault_point("call.sent")
    metrics.sends.labels("webhook", "handed_over").inc()
    _handed_over(found)


@atomic
def _claim(pk: int) -> WebhookCall | None:
    found = WebhookCall.objects.select_for_update(of=("self",)).select_related("page")
    item = found.filter(pk=pk, state__in=UNSENT).first()
    if item is None:
        return None
    item.may_repeat = item.may_repeat or item.state == Notification.State.SENDING
    item.state = Notification.State.SENDING
    item.attempts += 1
    item.save(update_fields=["state", "attempts", "may_repeat"])
    return item


def message_of(item: WebhookCall) -> ports.Message:
    """Return what the program is told."""
    page = item.page
    return ports.Message(
        key=item.key,
        page_id=page.pk,
        person_name="",
        title=page.title,
        text=page.text,
        severity=page.severity,
        since=page.created_at,
        why=f"step {item.step + 1} of the policy {coming.policy_of(item)}",
        link=f"{config().public_url}/pages/{page.pk}/",
        next_words=coming.next_words(page),
        may_repeat=item.may_repeat,
        is_test=page.is_test,
    )


@atomic
def _handed_over(item: WebhookCall) -> None:
    at = now()
    done = WebhookCall.objects.filter(pk=item.pk, state=Notification.State.SENDING).update(
        state=Notification.State.HANDED_OVER, handed_over_at=at, error=""
    )
    if done:
        told = events.WebhookCalled(call=item.pk, attempt=item.attempts, may_repeat=item.may_repeat, handed_over_at=at)
        timeline.append(told, about=[item.page])


@atomic
def _failed(item: WebhookCall, error: DeliveryError) -> None:
    page = Page.objects.select_for_update(no_key=True).get(pk=item.page_id)
    again = not error.permanent and item.attempts <= len(RETRIES)
    state = Notification.State.WAITING if again else Notification.State.FAILED
    why = error.sentence[:1000]
    WebhookCall.objects.filter(pk=item.pk, state=Notification.State.SENDING).update(state=state, error=why)
    failed = events.WebhookFailed(call=item.pk, attempt=item.attempts, why=why, permanent=not again)
    timeline.append(failed, about=[page, "now"])
    if again:
        timers.schedule(actions.CALL, subject=f"webhook_call:{item.pk}", due_at=now() + RETRIES[item.attempts - 1])
    else:
        actions.go_on_untold(page, round_=item.round, step=item.step)


def on_parked(due: timers.Due, error: str) -> None:
    """A call whose code raised again and again counts as failed."""
    item = WebhookCall.objects.select_related("page").filter(pk=due.subject_id, state__in=UNSENT).first()
    if item is not None:
        item.attempts = max(item.attempts, len(RETRIES) + 1)
        WebhookCall.objects.filter(pk=item.pk).update(state=Notification.State.SENDING)
        _failed(item, DeliveryError(f"raglan itself failed: {error}", permanent=True))
