"""Verbs of the console: what own health and Setup let people do."""

from datetime import timedelta

from raglan.alerts import actions as alerts
from raglan.alerts.models import Source
from raglan.alerts.ports import Batch, Decoded, Outcome, RawSignal, SourceKey
from raglan.config import config
from raglan.console import events
from raglan.core import timeline, timers
from raglan.core.backup import end_quiet_start
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import Conflict, NotFound
from raglan.core.models import Timer
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
    """Let an alert of severity info fire in the name of a source, by the whole way; it ends by itself."""
    at = now()
    labels = {"alertname": "RaglanTest", "source": source.slug, "severity": "info"}
    signal = RawSignal(
        status="firing",
        labels=labels,
        annotations={"description": "Nothing is wrong. Somebody tests the way of an alert; it ends in five minutes."},
        title=f"A test of {source.name}"[:300],
        severity="info",
        dedup_key="raglan-test",
        expires_at=at + TEST_ENDS_AFTER,
        raw={"status": "firing", "labels": labels, "note": "sent from Setup"},
    )
    key = SourceKey(source.pk, source.slug, source.kind, source.mapping)
    timeline.append(events.TestAlertSent(slug=source.slug), actor=actor, about=[source])
    return alerts.ingest([Batch(key, Decoded([signal]), at)])[0]
