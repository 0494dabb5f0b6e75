"""Steps that tell a room in chat: written down for the chat, claimed when its line goes out, given up after a while.

The chat has a thread of its own and sends in its order; nothing here asks a platform, and no person waits for it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from raglan.core import metrics, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import DeliveryError
from raglan.paging import actions, chats, events, ports
from raglan.paging.models import ChatCall, Notification, Page
from raglan.paging.plan import Plan
from raglan.people import reading

PATIENCE = timedelta(minutes=15)
WAITING, SENDING, FAILED = Notification.State.WAITING, Notification.State.SENDING, Notification.State.FAILED
HANDED_OVER = Notification.State.HANDED_OVER
UNSENT = (WAITING, SENDING)
PRIVATE = "it is about a private incident, of which nothing is told in chat"


@atomic
def tell(due: timers.Due) -> None:
    """Let the chat tell a room; what it has not told after a while is given up."""
    item = ChatCall.objects.select_related("page").filter(pk=due.subject_id, state__in=UNSENT).first()
    if item is None:
        return
    try:
        with atomic():
            chats.tell(item)
    except DeliveryError as error:
        failed(item.pk, error)
        return
    timers.schedule(actions.GIVE_UP, subject=due.subject, due_at=now() + PATIENCE)


@atomic
def give_up(due: timers.Due) -> None:
    """Count a room as not told, with what is known of why: what comes much later helps nobody."""
    item = ChatCall.objects.filter(pk=due.subject_id, state__in=UNSENT).first()
    if item is None:
        return
    why = (
        chats.why_not(item.chat, item.room) or chats.away(item.chat) or item.error or "much else waits to be told there"
    )
    why = f"not told within {PATIENCE.seconds // 60} minutes: {why}"
    failed(item.pk, DeliveryError(why, permanent=True, unknown=item.state == SENDING))


def on_parked(due: timers.Due, error: str) -> None:
    """A call whose code raised again and again counts as failed."""
    failed(due.subject_id, DeliveryError(f"raglan itself failed: {error}", permanent=True))


@atomic
def claim(pk: int) -> ChatCall | None:
    """Take a call whose line goes out now; None when the line is not needed any more, or must not be said."""
    item = _locked(pk)
    if item is None or item.state not in UNSENT:
        return None
    item.may_repeat = item.may_repeat or item.state == SENDING
    if not _is_needed(item):
        _end([item])
        return None
    if is_private(item.page):
        failed(pk, DeliveryError(PRIVATE, permanent=True))
        return None
    item.state = SENDING
    item.attempts += 1
    item.save(update_fields=["state", "attempts", "may_repeat"])
    return item


@atomic
def handed_over(pk: int, at: datetime) -> None:
    """Note that a chat took the line."""
    item = _locked(pk)
    if item is None or item.state not in (SENDING, FAILED):
        return
    ChatCall.objects.filter(pk=pk).update(state=HANDED_OVER, handed_over_at=at, error="")
    timers.cancel(actions.GIVE_UP, subject=f"chat_call:{pk}")
    told = events.ChatTold(call=pk, attempt=item.attempts, may_repeat=item.may_repeat, handed_over_at=at)
    timeline.append(told, about=[item.page])
    metrics.sends.labels("chat", "handed_over").inc()


@atomic
def failed(pk: int, error: DeliveryError) -> None:
    """Note that a line could not be said: for now, and the chat tries again; or for good."""
    item = _locked(pk)
    if item is None or item.state not in UNSENT:
        return
    may_repeat = item.may_repeat or error.unknown
    if not _is_needed(item):
        item.may_repeat = may_repeat
        _end([item])
        return
    state, why = FAILED if error.permanent else WAITING, error.sentence[:1000]
    is_news = error.permanent or not item.error or may_repeat != item.may_repeat
    if not is_news:  # a chat that is away is asked each second, and may say it in other words each time
        ChatCall.objects.filter(pk=pk).update(state=state)
    else:
        ChatCall.objects.filter(pk=pk).update(state=state, error=why, may_repeat=may_repeat)
        told = events.ChatNotTold(
            call=pk, attempt=item.attempts, why=why, permanent=error.permanent, may_repeat=may_repeat
        )
        timeline.append(told, about=[item.page, "now"])
    if error.permanent:
        metrics.sends.labels("chat", "failed").inc()
        timers.cancel(actions.GIVE_UP, subject=f"chat_call:{pk}")
        actions.go_on_untold(item.page, round_=item.round, step=item.step)


@atomic
def withdraw(page: Page) -> None:
    """Take back what was not told yet of a page that somebody has, or that is over."""
    page = Page.objects.select_for_update(no_key=True).get(pk=page.pk)
    waiting = list(ChatCall.objects.select_for_update().filter(page=page, state=WAITING).order_by("pk"))
    _end([item for item in waiting if not _is_needed(item, page)])


def told(page: Page) -> list[ChatCall]:
    """Return the calls of a page that were told, may have been, or are just being told; none of what is private."""
    may_stand_there = Q(state__in=(SENDING, HANDED_OVER)) | Q(may_repeat=True)
    found = list(ChatCall.objects.filter(may_stand_there, page=page).order_by("pk"))
    return found if found and not is_private(page) else []


def is_private(page: Page) -> bool:
    """Say whether a page is not for all to know: nobody knows who reads in a chat."""
    with reading.read_for(None):
        return not Page.objects.filter(ports.sight(), pk=page.pk).exists()


def _locked(pk: int) -> ChatCall | None:
    """Return a call with its page, both locked: the page first, as everything does that answers one."""
    page = Page.objects.select_for_update(no_key=True, of=("self",)).filter(chat_calls=pk).first()
    item = ChatCall.objects.select_for_update().filter(pk=pk).first() if page else None
    if item is not None and page is not None:
        item.page = page
    return item


def _is_needed(item: ChatCall, page: Page | None = None) -> bool:
    """Say whether a page still wants somebody, and has not begun anew since the step; a fallback goes on with it."""
    page = page or item.page
    return page.state in actions.OPEN and item.round >= Plan.from_json(page.plan).began


def _end(items: Iterable[ChatCall]) -> None:
    """Count calls as not needed any more."""
    for item in items:
        ChatCall.objects.filter(pk=item.pk).update(state=Notification.State.CANCELLED, may_repeat=item.may_repeat)
        timers.cancel(actions.TELL, actions.GIVE_UP, subject=f"chat_call:{item.pk}")
        timeline.append(events.ChatNotNeeded(call=item.pk, may_repeat=item.may_repeat), about=[f"page:{item.page_id}"])
