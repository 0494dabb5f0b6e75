"""A quiet word to one person, by the ways they set for what can wait. Nobody is paged by it, and nothing rings.

It goes out once by each of those ways, beside a mail that its sender writes. What has a budget for an hour keeps it for
pages. It asks for no answer; what may be done
about it is one tap away, on the channels that can show that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from raglan.config import config
from raglan.core import metrics, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import DeliveryError
from raglan.paging import circuit, events, ports, providers
from raglan.paging.plan import Urgency
from raglan.people import actions as people
from raglan.people import sealing
from raglan.people.models import ContactMethod, Person

WORD = "paging.word"
AGAIN = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
BUSY = timedelta(seconds=5)
NEVER = (ContactMethod.Kind.VOICE, ContactMethod.Kind.EMAIL)  # a call is not quiet; the mail is written apart
UNASKED = (ContactMethod.Kind.PUSH, ContactMethod.Kind.NTFY)  # where nobody said what they want for low urgency
MOST_TITLE, MOST_TEXT = 300, 2_000


@dataclass(frozen=True, slots=True)
class Word:
    """What is said. `key` is the same for the same news; `link` and those of the taps are paths of raglan's own."""

    key: str
    title: str
    text: str
    link: str
    taps: Sequence[ports.Tap] = ()


def ways_to(person: Person) -> list[ContactMethod]:
    """Return the ways for a quiet word: the first by the rules for low urgency, else those that do not ring."""
    rules = list(
        person.notification_rules.select_related("contact")
        .filter(urgency=Urgency.LOW)
        .exclude(contact__kind__in=NEVER)
        .order_by("delay_s", "position", "pk")
    )
    if rules:
        return [rule.contact for rule in rules if rule.delay_s == rules[0].delay_s]
    if person.notification_rules.filter(urgency=Urgency.LOW).exists():
        return []
    return list(ContactMethod.objects.filter(person=person, kind__in=UNASKED).order_by("pk"))


@atomic
def say(person: Person, word: Word) -> int:
    """Plan a word by each way of a person, in the transaction of what it is about. Return how many ways there are."""
    said = {
        "key": word.key,
        "title": word.title[:MOST_TITLE],
        "text": word.text[:MOST_TEXT],
        "link": word.link,
        "taps": [asdict(tap) for tap in word.taps],
        "since": now().isoformat(),
        "tries": 0,
    }
    ways = ways_to(person)
    timers.schedule_many([timers.Plan(WORD, timeline.ref(way), now(), dict(said)) for way in ways])
    return len(ways)


@timers.handler(WORD, network=True)
def hand_over(due: timers.Due) -> None:
    """Hand a word over by one way; the next provider is asked at once, and all of them again some times."""
    contact = ContactMethod.objects.select_related("person").filter(pk=due.subject_id).first()
    if contact is None or not contact.person.is_active:
        return
    try:
        name = _by_some_provider(contact, _message(contact, due))
    except circuit.Full:
        with atomic():
            timers.schedule(WORD, subject=due.subject, due_at=now() + BUSY, payload=due.payload)
        return
    except DeliveryError as error:
        _not_said(contact, due, error)
        return
    metrics.sends.labels(contact.kind, "word").inc()
    with atomic():
        told = events.WordHandedOver(person=contact.person_id, channel=contact.kind, provider=name, key=_key(due))
        timeline.append(told, about=[contact.person])


def _key(due: timers.Due) -> str:
    return f"word:{due.payload['key']}"


def _by_some_provider(contact: ContactMethod, message: ports.Message) -> str:
    """Ask providers in their order, each once; return which one took it. Raises DeliveryError of the last."""
    tried: list[str] = []
    failed = DeliveryError("no provider is set up that has no budget for pages to keep", permanent=True)
    while (provider := providers.choose(contact.kind, contact.address, tried)) is not None:
        tried.append(provider.name)
        if provider.per_hour():
            continue
        try:
            with circuit.hand_over(circuit.name_of(provider, contact.address), contact.address):
                provider.channel.send(contact.address, message)
        except DeliveryError as error:
            failed = error
        else:
            return provider.name
    raise failed


def _not_said(contact: ContactMethod, due: timers.Due, error: DeliveryError) -> None:
    tries = int(str(due.payload["tries"]))
    if not error.permanent and tries < len(AGAIN):
        with atomic():
            again = {**due.payload, "tries": tries + 1}
            timers.schedule(WORD, subject=due.subject, due_at=now() + AGAIN[tries], payload=again)
        return
    why = error.sentence.replace(contact.address, "the address")[:1000]
    with atomic():
        told = events.WordNotSaid(person=contact.person_id, channel=contact.kind, why=why, key=_key(due))
        timeline.append(told, about=[contact.person])
    if isinstance(error, ports.Gone):
        people.end_contact(contact, why=error.sentence)


def _message(contact: ContactMethod, due: timers.Due) -> ports.Message:
    said, base = due.payload, config().public_url.rstrip("/")
    listed = said["taps"]
    taps: Sequence[Mapping[str, str]] = listed if isinstance(listed, list) else ()
    return ports.Message(
        key=f"{_key(due)}:{contact.pk}",
        page_id=0,
        person_name=contact.person.name,
        title=str(said["title"]),
        text=str(said["text"]),
        severity="",
        since=datetime.fromisoformat(str(said["since"])),
        why="",
        link=base + str(said["link"]),
        next_words="",
        may_repeat=due.attempt > 1,
        is_test=False,
        secret=sealing.unseal(contact.sealed) if contact.sealed else "",
        taps=tuple(ports.Tap(tap["words"], base + tap["link"]) for tap in taps),
    )
