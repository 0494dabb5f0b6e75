"""Verbs of the console: what own health and Setup let people do."""

from datetime import timedelta

from msgspec.structs import replace

from raglan.alerts import actions as alerts
from raglan.alerts import queries
from raglan.alerts.models import Signal, Source
from raglan.alerts.ports import Batch, Decoded, Outcome, RawSignal, Sampled, SourceKey, door_of_kind
from raglan.config import config
from raglan.console import events
from raglan.console.trials import asks_to_confirm
from raglan.core import http, timeline, timers
from raglan.core.backup import end_quiet_start
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import Conflict, DeliveryError, NotFound
from raglan.core.models import Timer
from raglan.integrations.sns.address import check_address
from raglan.people import ports as people
from raglan.people.models import ContactMethod, Person

TEST_ENDS_AFTER = timedelta(minutes=5)


@atomic
def try_again(timer_id: int, *, actor: timeline.Subject) -> None:
    """Give work that was set aside three more tries, from now on. Raises NotFound."""
    timer = Timer.objects.filter(pk=timer_id, parked_at__isnull=False).first()
    if timer is None:
        raise NotFound("This work is not set aside any more.")
    Timer.objects.filter(pk=timer.pk).update(parked_at=None, attempts=0, leased_until=None, leased_by="")
    tried = events.TimerTriedAgain(timer=timer.pk, work=timer.kind, subject=timer.subject)
    timeline.append(tried, actor=actor, about=["health", timer.subject])
    timers.wake()


def allow_paging(*, actor: timeline.Subject) -> None:
    """Let a restored copy page again. Safe to call twice."""
    timeline.append(events.PagingAllowed(), actor=actor, about=["health", "now"])
    end_quiet_start(config().data_dir)
    timers.wake()


def send_test_page(person: Person, contact: ContactMethod | None) -> str:
    """Send a person a test page, by the way given or their first one; return a sentence. Raises Conflict."""
    contact = contact or ContactMethod.objects.filter(person=person).order_by("pk").first()
    if contact is None:
        raise Conflict("You have no way to be reached yet. Add one under You, then test it here.")
    return people.send_test(contact, person)


@atomic
def send_test_alert(source: Source, *, actor: timeline.Subject) -> Outcome:
    """Let an alert of severity info fire in the name of a source, by the whole way; it ends by itself.

    Where its door can make a message of its format, that message is read as if it had come by the door. Every five
    minutes it is another alert, so that somebody who tests again and again is not told that it flaps.
    """
    at, key = now(), queries.source_key(source)
    read = _sample(key) or _plain_test(source)
    signal = replace(
        read,
        labels={**read.labels, "alertname": "RaglanTest", "source": source.slug, "severity": "info"},
        title=f"A test of {source.name}"[:300],
        severity="info",
        dedup_key=f"raglan-test-{at.timestamp() // TEST_ENDS_AFTER.total_seconds():.0f}",
        expires_at=at + TEST_ENDS_AFTER,
    )
    timeline.append(events.TestAlertSent(slug=source.slug), actor=actor, about=[source])
    return alerts.ingest([Batch(key, Decoded([signal]), at)])[0]


def _sample(key: SourceKey) -> RawSignal | None:
    door = door_of_kind(key.kind)
    if not isinstance(door, Sampled):
        return None
    signals = door.decode(key, door.sample(key)).signals
    return signals[0] if signals else None


def _plain_test(source: Source) -> RawSignal:
    words = "Nothing is wrong. Somebody tests the way of an alert; it ends in five minutes."
    raw = {"alertname": "RaglanTest", "source": source.slug, "note": "sent from Setup"}
    return RawSignal("firing", {}, {"description": words}, "A test", raw=raw)


def confirm_topic(source: Source, signal_id: int, *, actor: timeline.Subject) -> str:
    """Tell AWS that a topic may send here; return the topic. Raises NotFound, BadInput, DeliveryError.

    A person has asked for it: the address came from outside, so that it is checked to be AWS' own and asked once.
    """
    signal = Signal.objects.filter(pk=signal_id, source=source).first()
    if signal is None or not asks_to_confirm(source, signal):
        raise NotFound("AWS does not ask for this any more.")
    body = signal.raw["body"]
    address, topic = str(body.get("SubscribeURL", "")), str(body.get("TopicArn", ""))[:300]
    check_address(address, "SubscribeURL")
    answer = http.get(address, {})
    if answer.status != 200:
        raise DeliveryError(f"AWS answered {answer.status}. Ask it to send the question again.", permanent=True)
    known = source.mapping.get("topics")
    topics = [*(known if isinstance(known, list) else []), topic]
    alerts.save_mapping(source, {**source.mapping, "topics": topics}, actor=actor)
    return topic
