"""Reach one person by their rules, a program, or a room in chat: what is sent follows by its own timer."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.paging import events, queries
from raglan.paging.actions.names import CALL, DELIVER, TELL, about
from raglan.paging.models import ChatCall, Notification, Page, Reached, WebhookCall
from raglan.paging.plan import Target, Urgency
from raglan.people.models import ContactMethod, Person


def reach(page: Page, item: queries.Whom, *, step: int, is_added: bool = False) -> Reached | None:
    """Plan the ways to one person, by their rules; return None when there is no way."""
    reached = Reached.objects.create(
        page=page,
        person=item.person,
        round=page.round,
        step=step,
        why=item.why[:200],
        at=now(),
        is_added=is_added,
    )
    planned = [
        _plan_notification(reached, contact, delay_s=delay_s, number=number)
        for number, (contact, delay_s) in enumerate(ways_to(item.person, page.urgency))
    ]
    timeline.append(reached_out(reached, planned), about=[*about(page), item.person])
    if not planned:
        unreachable(reached, "no way to reach this person is set up")
        return None
    return reached


def reached_out(reached: Reached, planned: Sequence[Notification]) -> events.PersonReachedOut:
    """Return the event that a person is reached out to by some messages."""
    return events.PersonReachedOut(
        reached=reached.id,
        person=reached.person_id,
        round=reached.round,
        step=reached.step,
        why=reached.why,
        reached_at=reached.at,
        is_added=reached.is_added,
        ways=[
            events.Way(
                notification=item.id, contact=item.contact_id, channel=item.channel, key=item.key, due_at=item.due_at
            )
            for item in planned
        ],
    )


def ways_to(person: Person, urgency: str = Urgency.HIGH) -> list[tuple[ContactMethod, int]]:
    """Return how to reach a person with the wait before each, in seconds: their rules, else all ways at once.

    Somebody without rules for low urgency is reached by those for high.
    """
    for wanted in dict.fromkeys((urgency, Urgency.HIGH)):
        rules = list(person.notification_rules.select_related("contact").filter(urgency=wanted))
        if rules:
            return [(rule.contact, rule.delay_s) for rule in rules]
    return [(contact, 0) for contact in ContactMethod.objects.filter(person=person).order_by("pk")]


def _plan_notification(reached: Reached, contact: ContactMethod, *, delay_s: int, number: int) -> Notification:
    due_at = now() + timedelta(seconds=delay_s)
    notification = Notification.objects.create(
        page_id=reached.page_id,
        person_id=reached.person_id,
        contact=contact,
        reached=reached,
        channel=contact.kind,
        address=contact.address[:500],
        key=key_of(reached, contact, number),
        due_at=due_at,
    )
    timers.schedule(DELIVER, subject=f"notification:{notification.pk}", due_at=due_at)
    return notification


def key_of(reached: Reached, contact: ContactMethod, number: int) -> str:
    """Return the idempotency key of a message: the same step reaches the same person by the same way once."""
    return f"{reached.page_id}:{reached.round}.{reached.step}:{reached.person_id}:{contact.kind}:{number}"


def plan_call(page: Page, target: Target) -> WebhookCall:
    """Let a program be told of a step: once, however often a held step is looked at."""
    at = now()
    address = hashlib.sha256(target.url.encode()).hexdigest()[:16]
    call, made = WebhookCall.objects.get_or_create(
        key=f"{page.pk}:{page.round}.{page.step}:call:{address}",
        defaults={"page": page, "round": page.round, "step": page.step, "url": target.url, "planned_at": at},
    )
    if made:
        timers.schedule(CALL, subject=f"webhook_call:{call.pk}", due_at=at)
        planned = events.WebhookPlanned(
            call=call.pk, round=call.round, step=call.step, url=call.url, key=call.key, planned_at=at
        )
        timeline.append(planned, about=[page])
    return call


def plan_chat_call(page: Page, target: Target) -> ChatCall:
    """Let a room in chat be told of a step: once, however often a held step is looked at.

    Nothing of chat is asked here, so that nothing of it can keep a step from its people.
    """
    at = now()
    place = hashlib.sha256(f"{target.id}:{target.room}".encode()).hexdigest()[:16]
    own = {"round": page.round, "step": page.step, "chat": target.id, "room": target.room, "planned_at": at}
    call, made = ChatCall.objects.get_or_create(
        key=f"{page.pk}:{page.round}.{page.step}:chat:{place}", defaults={"page": page, **own}
    )
    if made:
        timers.schedule(TELL, subject=f"chat_call:{call.pk}", due_at=at)
        planned = events.ChatPlanned(
            call=call.pk,
            round=call.round,
            step=call.step,
            chat=call.chat,
            room=call.room,
            key=call.key,
            planned_at=at,
        )
        timeline.append(planned, about=[page])
    return call


def unreachable(reached: Reached, why: str) -> None:
    """Note that somebody could not be reached."""
    reached.answer = Reached.Answer.UNREACHABLE
    reached.answered_at = now()
    reached.save(update_fields=["answer", "answered_at"])
    timeline.append(
        events.PersonUnreachable(reached=reached.id, person=reached.person_id, why=why, found_at=reached.answered_at),
        about=[*about(reached.page), f"person:{reached.person_id}"],
    )
