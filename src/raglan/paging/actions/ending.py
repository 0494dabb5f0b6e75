"""New words for a page, and its end."""

from collections.abc import Sequence

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.paging import events
from raglan.paging.actions.names import BACK, DELIVER, ESCALATE, Words, about
from raglan.paging.models import Notification, Page
from raglan.people.models import Person


@atomic
def reword(page: Page, words: Words) -> Page:
    """Say something new on a page that is not over, such as how far it has counted."""
    title, text = words.title[:300], words.text
    if Page.objects.filter(pk=page.pk).exclude(state=Page.State.RESOLVED).update(title=title, text=text):
        timeline.append(events.PageReworded(title=title, text=text), about=[page])
    page.refresh_from_db()
    return page


@atomic
def resolve(page: Page, *, why: str, actor: timeline.Subject = timeline.SYSTEM) -> Page:
    """End a page because what it was for is over."""
    at = now()
    done = (
        Page.objects.filter(pk=page.pk)
        .exclude(state=Page.State.RESOLVED)
        .update(state=Page.State.RESOLVED, resolved_at=at, next_step_at=None, held_since=None, snoozed_until=None)
    )
    page.refresh_from_db()
    if done:
        stop(page)
        timeline.append(events.PageResolved(why=why, at=at), actor=actor, about=about(page))
    return page


def stop(page: Page) -> None:
    """End what a page still means to do."""
    timers.cancel(ESCALATE, BACK, subject=timeline.ref(page))
    cancel_notifications(page)


def cancel_notifications(page: Page, *, person: Person | None = None) -> None:
    """Take back the messages of a page, or those to one person, that were not sent yet."""
    waiting = Notification.objects.filter(page=page, state=Notification.State.WAITING)
    if person is not None:
        waiting = waiting.filter(person=person)
    cancel(list(waiting.values_list("pk", flat=True)))


def cancel(ids: Sequence[int]) -> None:
    """Take messages back that were not sent yet."""
    for pk in ids:
        timers.cancel(DELIVER, subject=f"notification:{pk}")
    waiting = Notification.objects.filter(pk__in=ids, state=Notification.State.WAITING)
    waiting.update(state=Notification.State.CANCELLED)
