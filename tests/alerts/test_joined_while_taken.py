"""What joins a page that somebody has pages again, whatever the clocks and the person say meanwhile."""

from datetime import timedelta

from raglan.alerts.ports import SourceKey
from raglan.core.clock import CLOCK, now
from raglan.paging import actions as paging
from raglan.paging import returning
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world


def taken(source: SourceKey, mara: Person) -> Page:
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()
    return paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)


def test_a_snooze_after_an_alert_joined_does_not_swallow_it(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    page = taken(source, mara)
    CLOCK.move(timedelta(seconds=10))
    world.ingest(source, world.signal(instance="b"))
    CLOCK.move(timedelta(seconds=50))
    returning.snooze(page, until=now() + timedelta(hours=8), by=mara, via=paging.Via.LINK)

    world.fast_forward(timedelta(minutes=6))

    assert len(outbox.sent) == 2
    assert outbox.sent[1].message.title.startswith("Also: ")


def test_an_acknowledgement_and_a_new_alert_in_one_request_page_again(source: SourceKey, outbox: world.Outbox) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()
    world.ingest(source, world.signal("acknowledged", instance="a"), world.signal(instance="b"))

    world.fast_forward(timedelta(minutes=6))

    assert len(outbox.sent) == 2


def test_a_clock_of_another_node_that_is_behind_swallows_nothing(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    taken(source, mara)
    CLOCK.move(-timedelta(seconds=5))
    world.ingest(source, world.signal(instance="b"))

    world.fast_forward(timedelta(minutes=6))

    assert len(outbox.sent) == 2


def test_what_was_told_already_is_not_new_again(source: SourceKey, outbox: world.Outbox, mara: Person) -> None:
    taken(source, mara)
    world.ingest(source, world.signal(instance="b"))
    world.fast_forward(timedelta(minutes=6))
    paging.acknowledge(Page.objects.latest("pk"), by=mara, via=paging.Via.LINK)
    world.ingest(source, world.signal(instance="c"))
    world.ingest(source, world.signal("resolved", instance="c"))

    world.fast_forward(timedelta(minutes=6))

    assert len(outbox.sent) == 2
