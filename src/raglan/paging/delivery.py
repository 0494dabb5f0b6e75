"""Handing a notification to its provider, by lease.

Claim (compare-and-set to *sending*), send with a key outside any transaction, record the outcome. When the process
dies between the send and the record, the timer's lease ends, the work is done again and the message says that it may
be a repeat. When a provider fails, the next one of the same channel is asked at once, by a timer of its own.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from raglan.config import config
from raglan.core import metrics, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, fault_point
from raglan.core.errors import DeliveryError
from raglan.core.models import EventSubject
from raglan.paging import actions, circuit, claiming, events, ports, providers, queries
from raglan.paging.models import Notification, Page, Reached
from raglan.paging.wording import message_of
from raglan.people import actions as people
from raglan.people import mail
from raglan.people.models import Person

RETRIES = queries.RETRIES
REPORT = "paging.report"
UPDATE = "paging.update"
HOUR = timedelta(hours=1)
SOON = timedelta(seconds=2)
PATIENCE = timedelta(minutes=2)
ASK = claiming.ASK
UNSENT = claiming.UNSENT


@dataclass(frozen=True, slots=True)
class Try:
    """One try: which provider is asked, and which ones failed this message just before."""

    provider: str
    tried: tuple[str, ...] = ()
    again: bool = False  # one of those may have taken it
    unknown: bool = False  # the answer to an earlier try was lost

    @classmethod
    def of(cls, due: timers.Due, provider: str = "") -> "Try":
        """Read what the timer of a fail-over carries."""
        listed = due.payload.get("tried")
        names = tuple(str(name) for name in listed) if isinstance(listed, list) else ()
        return cls(provider, names, bool(due.payload.get("again")), bool(due.payload.get("unknown")))

    def payload(self, error: DeliveryError) -> dict[str, object]:
        """Return what the next provider's timer carries."""
        return {"tried": [*self.tried, self.provider], "again": self.again or not error.permanent}

    def payload_of_next(self, error: DeliveryError) -> dict[str, object]:
        """Return what the timer of the next try carries, in which every provider is asked anew."""
        return {"unknown": True} if self.unknown or error.unknown else {}


def deliver(due: timers.Due) -> None:
    """Hand one notification over. Runs outside any transaction."""
    found = Notification.objects.filter(pk=due.subject_id).values_list("channel", "address").first()
    if found is None:
        return
    try:
        provider = providers.choose(*found, Try.of(due).tried) or providers.choose(*found, ())
    except DeliveryError as error:
        provider, missing = None, error
    if provider is None:
        if (notification := _claim(due.subject_id, Try.of(due))) is not None:
            _record_failure(notification, missing, Try.of(due), ends=due)
        return
    try:
        with circuit.hand_over(circuit.name_of(provider, found[1]), found[1]):
            _hand_over(due, provider)
    except circuit.Full as busy:
        _put_back(due, busy.wait)
    except DeliveryError as error:
        refused(due, provider, error)


def _put_back(due: timers.Due, wait: timedelta) -> None:
    """Look again later, and later each time: the lane is full, and that is not this message's failure.

    Its timer ends with that, as with all that plans another: behind a crash in between there would be two.
    """
    times = int(str(due.payload.get("back", 0)))
    due_at = now() + min(wait * 2 ** min(times, 3), timedelta(seconds=8))
    with atomic():
        timers.schedule(actions.DELIVER, subject=due.subject, due_at=due_at, payload={**due.payload, "back": times + 1})
        timers.end([due.id])


@atomic
def _wait_for_rest(due: timers.Due, wait: timedelta) -> bool:
    """Let a message wait while its provider is left alone: that is no try of it. The person's next way comes at once.

    Return False when another provider failed it just before, or when it has waited for long: then the refusal counts,
    so that the next person is asked.
    """
    rows = Notification.objects.select_related("page").filter(pk=due.subject_id, state__in=UNSENT)
    notification = None if Try.of(due).tried else rows.first()
    if notification is None or now() - notification.due_at > PATIENCE or not queries.is_wanted(notification):
        return False
    Page.objects.select_for_update(no_key=True).get(pk=notification.page_id)  # pages before messages
    timers.schedule(actions.DELIVER, subject=due.subject, due_at=now() + min(wait, PATIENCE), payload=due.payload)
    timers.end([due.id])
    _bring_next_forward(notification)
    return True


def _hand_over(due: timers.Due, provider: ports.Provider) -> None:
    notification = _claim(due.subject_id, Try.of(due))
    if notification is None:
        return
    _spend(provider)
    fault_point("deliver.claimed")
    started = time.monotonic()
    message = message_of(notification, takes_answers=provider.takes_answers)
    receipt = provider.channel.send(notification.address, message)
    fault_point("deliver.sent")
    metrics.sends.labels(notification.channel, "handed_over").inc()
    metrics.send_seconds.labels(notification.channel).observe(time.monotonic() - started)
    claiming.record(claiming.Sent(notification, receipt, provider))


def refused(due: timers.Due, provider: ports.Provider, error: DeliveryError) -> bool:
    """Record a refusal; one that came from a resting lane finds its message still to be claimed, or lets it wait.

    Return whether the timer ended with what was recorded.
    """
    if isinstance(error, circuit.Resting) and _wait_for_rest(due, error.wait):
        return True
    this = Try.of(due, provider.name)
    sending = Notification.objects.select_related("page", "person", "reached", "contact").filter(
        pk=due.subject_id, state=Notification.State.SENDING
    )
    notification = sending.first() or _claim(due.subject_id, this)
    if notification is not None:
        metrics.sends.labels(notification.channel, "failed").inc()
        _record_failure(notification, error, this, ends=due)
    return notification is not None


def _claim(notification_id: int, this: Try) -> Notification | None:
    """Move to *sending*, with what other threads claim at this moment; None when it is not to go out any more."""
    return claiming.claim(claiming.Wanted(notification_id, goes_on=bool(this.tried), again=this.again or this.unknown))


@atomic
def _record_failure(
    notification: Notification, error: DeliveryError, this: Try, *, ends: timers.Due | None = None
) -> None:
    """Record a failure, and what is tried next; the timer that `ends` must not outlive that, for it knows less."""
    page = Page.objects.select_for_update(no_key=True).get(pk=notification.page_id)  # pages before messages
    other = _another(notification, this)
    falls_over = other is not None and not _rests(other, notification.address)
    hopeful = this.again or not error.permanent or other is not None  # some provider may take it later
    again = falls_over or (hopeful and notification.attempts <= len(RETRIES))
    state = Notification.State.WAITING if again else Notification.State.FAILED
    why = _without_address(error.sentence, notification)
    changed = Notification.objects.filter(pk=notification.pk, state=Notification.State.SENDING).update(
        state=state, error=why
    )
    timeline.append(
        events.NotificationFailed(
            notification=notification.pk,
            person=notification.person_id,
            channel=notification.channel,
            attempt=notification.attempts,
            why=why,
            permanent=not again,
            provider=this.provider,
        ),
        about=[*actions.about(notification.page), f"person:{notification.person_id}"],
    )
    if changed and again:
        due_at = now() if falls_over else now() + RETRIES[notification.attempts - 1]
        payload = this.payload(error) if falls_over else this.payload_of_next(error)
        subject = f"notification:{notification.pk}"
        timers.schedule(actions.DELIVER, subject=subject, due_at=due_at, payload=payload)
    if ends is not None:
        timers.end([ends.id])
    if falls_over:
        return
    _bring_next_forward(notification)
    if not again and notification.reached_id is not None:
        _notice_unreachable(page, Reached.objects.get(pk=notification.reached_id), why)
    if isinstance(error, ports.Gone) and notification.contact is not None:
        people.end_contact(notification.contact, why=error.sentence)


def _rests(provider: ports.Provider, address: str) -> bool:
    return circuit.rests(circuit.name_of(provider, address), address)


def _without_address(sentence: str, notification: Notification) -> str:
    """Providers like to repeat the address; events are kept for ever and carry none."""
    return sentence.replace(notification.address, "the address")[:1000]


def _another(notification: Notification, this: Try) -> ports.Provider | None:
    """Return a provider that was not tried in this round; one that rests comes last."""
    if not this.provider:
        return None
    return providers.choose(notification.channel, notification.address, (*this.tried, this.provider))


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
    actions.unreachable(reached, why)
    is_between_tries = page.state == Page.State.UNANSWERED and page.step < 0
    if not actions.somebody_left(page) and not is_between_tries:
        actions.hurry(page)


def on_parked(due: timers.Due, error: str) -> None:
    """A delivery whose code raised again and again counts as failed, so that the next way is tried."""
    unsent = Notification.objects.filter(state__in=UNSENT)
    notification = unsent.select_related("page", "reached").filter(pk=due.subject_id).first()
    if notification is not None:
        notification.attempts = max(notification.attempts, len(RETRIES) + 1)
        Notification.objects.filter(pk=notification.pk).update(state=Notification.State.SENDING)
        _record_failure(notification, DeliveryError(f"raglan itself failed: {error}", permanent=True), Try.of(due))


# Budgets -------------------------------------------------------------------------------------------------------------


def _spend(provider: ports.Provider) -> None:
    """Refuse when a provider has had all messages of this hour; tell the owners once an hour."""
    most = provider.per_hour()
    if most and handed_over_lately(provider) >= most:
        _tell_owners(provider, most)
        raise DeliveryError(f"{provider.name} has had its {most} messages of this hour", permanent=True)


def handed_over_lately(provider: ports.Provider) -> int:
    """Return how many messages of a channel a provider took in the last hour, from all nodes."""
    lately = Notification.objects.filter(provider=provider.name, handed_over_at__gt=now() - HOUR)
    return lately.filter(channel=provider.channel.kind).count()


@atomic
def _tell_owners(provider: ports.Provider, most: int) -> None:
    kind, name = provider.channel.kind, provider.name
    subject = f"channel:{kind}.{name}"
    lately = EventSubject.objects.filter(
        subject=subject, event__kind=events.BudgetSpent.kind, event__at__gt=now() - HOUR
    )
    if lately.exists():
        return
    timeline.append(events.BudgetSpent(channel=kind, provider=name, per_hour=most), about=[subject, "now"])
    text = (
        f"{name} has handed over {most} messages ({kind}) within an hour, which is its budget. Until the hour is over, "
        f"pages use the next way of each person. Look at {config().public_url}/channels/ to see why.\n"
    )
    for owner in Person.objects.filter(role=Person.Role.ADMINISTRATOR, is_active=True):
        mail.write(owner.email, subject=f"The budget of {name} ({kind}) is spent", text=text, about=owner)


# What providers say later --------------------------------------------------------------------------------------------


@timers.handler(ASK, network=True, first=True)
def ask(due: timers.Due) -> None:
    """Ask a provider what became of a message, for sites that its callbacks can not reach."""
    waiting = Notification.objects.filter(
        pk=due.subject_id, state=Notification.State.HANDED_OVER, received_at__isnull=True, confirmed_at__isnull=True
    )
    notification = waiting.first()
    if notification is None:
        return
    named = {item.name: item.channel for item in ports.providers(notification.channel)}
    channel = named.get(notification.provider)
    if not isinstance(channel, ports.Confirms):
        return
    try:
        with circuit.hand_over(f"{notification.provider} asked"):
            report = channel.ask(notification.provider_id)
    except (DeliveryError, circuit.Full):
        report = None
    if report is None:
        with atomic():
            claiming.ask_later(notification.pk, channel, times=int(str(due.payload["times"])) + 1)
    else:
        report_on(notification.pk, report)


@timers.handler(REPORT)
def take_report(due: timers.Due) -> None:
    """Take news that came before the hand-over was recorded."""
    report_on(due.subject_id, ports.Report(ports.Outcome(str(due.payload["outcome"])), str(due.payload["words"])))


@atomic
def report_on(notification_id: int, report: ports.Report) -> None:
    """Take a provider's later word on a message. It can add a receipt or take one back, and never answers a page."""
    notification = Notification.objects.select_related("page", "person").filter(pk=notification_id).first()
    if notification is None:
        return
    page = Page.objects.select_for_update(no_key=True).get(pk=notification.page_id)
    notification.refresh_from_db(fields=["state", "received_at", "confirmed_at", "reached"])
    if notification.state == Notification.State.SENDING:  # news may be faster than the answer to the request itself
        payload: dict[str, object] = {"outcome": report.outcome, "words": report.words}
        timers.schedule(REPORT, subject=f"notification:{notification_id}", due_at=now() + SOON, payload=payload)
    elif notification.state == Notification.State.HANDED_OVER and notification.confirmed_at is None:
        if report.outcome == ports.Outcome.RECEIVED:
            _received(notification)
        else:
            _not_reached(page, notification, _without_address(report.words or "nobody was reached", notification))


def _received(notification: Notification) -> None:
    at = now()
    if Notification.objects.filter(pk=notification.pk, received_at__isnull=True).update(received_at=at):
        received = events.NotificationReceived(
            notification=notification.pk, person=notification.person_id, received_at=at
        )
        timeline.append(received, about=[notification.page, f"person:{notification.person_id}"])


def _not_reached(page: Page, notification: Notification, why: str) -> None:
    Notification.objects.filter(pk=notification.pk).update(state=Notification.State.FAILED, error=why[:1000])
    timeline.append(
        events.NotificationNotReached(
            notification=notification.pk,
            person=notification.person_id,
            channel=notification.channel,
            why=why[:1000],
        ),
        about=[*actions.about(notification.page), f"person:{notification.person_id}"],
    )
    _bring_next_forward(notification)
    if notification.reached_id is not None:
        _notice_unreachable(page, Reached.objects.get(pk=notification.reached_id), why)


# What others are told when somebody has it ---------------------------------------------------------------------------


@timeline.reaction("page.acknowledged", "page.resolved")
def tell_the_others(event: timeline.Happened) -> None:
    """When somebody has a page, or it is over, the screens of everybody else who was paged say so."""
    page_id = int(event.subjects[0].partition(":")[2])
    quiet = [kind for kind in ports.kinds() if any(isinstance(p.channel, ports.Updates) for p in ports.providers(kind))]
    sent = Notification.objects.filter(
        page_id=page_id, state=Notification.State.HANDED_OVER, channel__in=quiet, page__is_test=False
    ).exclude(person_id=int(str(event.data.get("person") or 0)))
    latest = {(item.channel, item.address): item.pk for item in sent.order_by("pk")}
    timers.schedule_many([timers.Plan(UPDATE, f"notification:{pk}", now()) for pk in latest.values()])


@timers.handler(UPDATE, network=True, first=True)
def update(due: timers.Due) -> None:
    """Tell one person that a page needs them no more. It is a courtesy: a failure is counted, not tried again."""
    sent = Notification.objects.select_related("page__acknowledged_by", "person", "reached", "contact")
    notification = sent.filter(pk=due.subject_id).first()
    if notification is None or queries.is_wanted(notification):
        return
    named = {item.name: item.channel for item in ports.providers(notification.channel)}
    channel = named.get(notification.provider)
    if not isinstance(channel, ports.Updates):
        return
    taker = notification.page.acknowledged_by
    words = "It is over." if notification.page.state == Page.State.RESOLVED else f"{taker or 'Somebody'} has it."
    try:
        with circuit.hand_over(f"{notification.provider} updated"):
            channel.update(notification.address, message_of(notification), words)
        metrics.sends.labels(notification.channel, "updated").inc()
    except (DeliveryError, circuit.Full):
        metrics.sends.labels(notification.channel, "update_failed").inc()
