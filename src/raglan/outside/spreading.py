"""Tells subscribers of public updates, through an outbox: apart from all that pages, after it, and never twice.

A row stands for one update to one subscriber. It is claimed before it is sent. A program that is told may be told
again with the same key when a process died on the way, for it can tell; a person is not: what was cut off is marked.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F, Q

from raglan.config import config
from raglan.core import http, return_path, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, fault_point
from raglan.core.errors import DeliveryError
from raglan.core.signing import STATUS, sign
from raglan.outside import events, queries, subscribing
from raglan.outside.models import ComponentWord, Sending, StatusPage, StatusUpdate, Subscriber
from raglan.people import mail

SPREAD, SEND = "outside.spread", "outside.send"
SUBJECT = "outside:outbox"
RETURN = "status"  # by which mails that come back are known
BATCH = 500
ROUND = timedelta(seconds=10)
BUDGET_S = 8  # a round ends well before the lease of its timer does
SOON = timedelta(seconds=2)
CUT_OFF = timedelta(minutes=5)
AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
MOST_REFUSALS = 3
PERMANENT = (400, 401, 403, 404, 405, 410, 422)
State, Kind, Pool = Sending.State, Subscriber.Kind, timers.Pool


def spread_soon(update: StatusUpdate) -> None:
    """Plan in the current transaction that all subscribers are told of an update."""
    timers.schedule(SPREAD, subject=timeline.ref(update), due_at=now(), payload={"after": 0, "count": 0})


@timers.handler(SPREAD)
def spread(due: timers.Due) -> None:
    """Write rows for the next some hundred subscribers, until there is one for each."""
    update = StatusUpdate.objects.select_related("incident").filter(pk=due.subject_id).first()
    if update is None or not _goes_out(update, queries.page()):
        return
    after, count = int(str(due.payload["after"])), int(str(due.payload["count"]))
    told = Subscriber.objects.filter(confirmed_at__isnull=False, pk__gt=after).order_by("pk")
    found = list(told.values_list("pk", flat=True)[:BATCH])
    rows = [Sending(subscriber_id=pk, update=update, due_at=now()) for pk in found]
    Sending.objects.bulk_create(rows, ignore_conflicts=True)
    count += len(found)
    if len(found) == BATCH:
        more: dict[str, object] = {"after": found[-1], "count": count}
        timers.schedule(SPREAD, subject=due.subject, due_at=now(), payload=more)
    elif count:
        timeline.append(events.NewsSpread(update=update.pk, subscribers=count), about=[update, queries.PAGE])
    if found:
        send_soon(timedelta())


def _goes_out(update: StatusUpdate, page: StatusPage) -> bool:
    return page.is_on and queries.goes_out(update)


@atomic
def send_soon(wait: timedelta) -> None:
    """Look at the outbox after a while, unless that is planned already."""
    if not timers.is_planned(SEND, subject=SUBJECT):
        timers.schedule(SEND, subject=SUBJECT, due_at=now() + wait)


@timers.handler(SEND, network=True, on_parked=timers.goes_on(ROUND))
def send_due(_: timers.Due) -> None:
    """Send what is due, a few at a time, so that no more go out in a minute than are allowed; pages go first."""
    _mark_what_was_cut_off()
    most = max(1, config().status_per_minute * int(ROUND.total_seconds()) // 60)
    until = time.monotonic() + BUDGET_S
    for sending in _due(most):
        if _pages_wait():
            send_soon(SOON)
            return
        if time.monotonic() > until:
            break
        _send(sending)
    _plan_next()


def _due(most: int) -> Sequence[Sending]:
    found = Sending.objects.filter(state=State.WAITING, due_at__lte=now())
    return list(found.select_related("subscriber", "update__incident").order_by("due_at", "pk")[:most])


def _pages_wait() -> bool:
    """Tell whether something goes out first, as pages do, that is due and that no thread has taken."""
    oldest = timers.heads(Pool.NETWORK, first=True).get(Pool.NETWORK)
    return oldest is not None and oldest <= now()


@atomic
def _plan_next() -> None:
    """Plan the next round when something still waits, or is being sent by somebody who may die on the way."""
    coming = Sending.objects.filter(state=State.WAITING).order_by("due_at").values_list("due_at", flat=True).first()
    if coming is not None:
        send_soon(max(ROUND, coming - now()))
    elif Sending.objects.filter(state=State.SENDING).exists():
        send_soon(CUT_OFF)


@atomic
def _mark_what_was_cut_off() -> None:
    """Mark what a process that died was sending. Programs are told again, by the same key; people are not."""
    old = Q(state=State.SENDING, claimed_at__lt=now() - CUT_OFF)
    Sending.objects.filter(old, subscriber__kind=Kind.WEBHOOK).update(state=State.WAITING)
    Sending.objects.filter(old).update(state=State.UNSURE, problem="cut off on the way")


def _send(sending: Sending) -> None:
    with atomic():
        mine = Sending.objects.filter(pk=sending.pk, state=State.WAITING)
        if not mine.update(state=State.SENDING, claimed_at=now(), tries=F("tries") + 1):
            return  # another node was faster
    sending.tries += 1
    page = queries.page()
    fault_point("outside.claimed")
    try:
        if not _goes_out(sending.update, page):
            raise DeliveryError("it does not go out any more", permanent=True)
        (_mail if sending.subscriber.kind == Kind.EMAIL else _post)(sending, page)
    except DeliveryError as error:
        _not_sent(sending, error, page)
        return
    fault_point("outside.sent")
    _sent(sending)


@atomic
def _sent(sending: Sending) -> None:
    """Mark what was taken. That ends a row of refusals, unless mails are heard of that come back later.

    Then it is the message before that ends it, where nothing was heard of that one.
    """
    Sending.objects.filter(pk=sending.pk).update(state=State.SENT, problem="")
    before = Sending.objects.filter(subscriber=sending.subscriber_id, pk__lt=sending.pk).order_by("-pk").first()
    may_come_back = return_path.is_on() and sending.subscriber.kind == Kind.EMAIL
    if not may_come_back or before is None or before.state == State.SENT:
        Subscriber.objects.filter(pk=sending.subscriber_id).update(refusals=0, problem="")


@atomic
def _not_sent(sending: Sending, error: DeliveryError, page: StatusPage) -> None:
    """Try again later, or give up."""
    is_over = error.permanent or sending.tries > len(AGAIN)
    state = State.GIVEN_UP if is_over else State.WAITING
    due_at = now() if is_over else now() + AGAIN[sending.tries - 1]
    problem = error.sentence[:300]
    Sending.objects.filter(pk=sending.pk).update(state=state, due_at=due_at, problem=problem)
    if is_over and _goes_out(sending.update, page):
        refused(sending, problem)


@atomic
def refused(sending: Sending, problem: str) -> None:
    """Count that an address refused a message, at once or later; who refuses again and again is told no more."""
    Subscriber.objects.filter(pk=sending.subscriber_id).update(refusals=F("refusals") + 1, problem=problem)
    found = Subscriber.objects.filter(pk=sending.subscriber_id, refusals__gte=MOST_REFUSALS).first()
    if found is not None and found.kind == Kind.EMAIL:
        subscribing.forget(found, why="the address refuses mail")


def key_of(sending: Sending) -> str:
    """Return the key that names one update to one subscriber, whatever the number of tries."""
    return f"status-update-{sending.update_id}-{sending.subscriber_id}"


def _mail(sending: Sending, page: StatusPage) -> None:
    update, link = sending.update, subscribing.leave_link(sending.subscriber)
    if not config().smtp_url:
        raise DeliveryError("mail is switched off (smtp_url is empty)", permanent=True)
    states = [f"{word.component.name}: {word.get_state_display().lower()}" for word in _words(update)]
    comes = f"Next word: {update.next_word_at:%Y-%m-%d %H:%M} UTC." if update.next_word_at else ""
    lines = [update.get_stage_display(), "", update.text, *(["", *states] if states else []), "", comes, page.address]
    text = "\n".join(lines).rstrip() + f"\n\nTo be told no more:\n{link}\n"
    domain = config().smtp_from.rpartition("@")[2] or "localhost"
    name = hashlib.sha256(f"raglan.outside:{config().public_url}:{key_of(sending)}".encode()).hexdigest()[:40]
    headers = {
        "Message-ID": f"<{name}@{domain}>",
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Precedence": "bulk",
        "X-Raglan": "status",
    }
    subject = " ".join(f"{page.title}: {update.headline}".split())[:200]
    back = return_path.address(RETURN, f"{sending.pk:x}")
    mail.hand_over(sending.subscriber.address, subject, text, headers, return_path=back)


def _words(update: StatusUpdate) -> Sequence[ComponentWord]:
    return list(update.words.select_related("component").order_by("component__position", "pk"))


def _post(sending: Sending, page: StatusPage) -> None:
    url, body = sending.subscriber.address, json.dumps(body_of(sending, page), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key_of(sending),
        "X-Raglan-Signature": sign(url, body, int(now().timestamp()), STATUS),
    }
    answer = http.post(url, body, headers)
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"answered {answer.status}", permanent=answer.status in PERMANENT)


def body_of(sending: Sending, page: StatusPage) -> dict[str, object]:
    """Return the JSON that a program gets, version 1."""
    update = sending.update
    return {
        "version": 1,
        "key": key_of(sending),
        "kind": "status_update",
        "page": page.address,
        "incident": f"i{update.incident_id}",
        "headline": update.headline,
        "stage": update.stage,
        "text": update.text,
        "at": update.at.isoformat(),
        "next_word_at": update.next_word_at.isoformat() if update.next_word_at else None,
        "components": {word.component.name: word.state for word in _words(update)},
        "may_be_a_repeat": sending.tries > 1,
    }
