from datetime import timedelta

from raglan.alerts import actions
from raglan.alerts.models import Alert, AlertGroup, Signal
from raglan.alerts.ports import Outcome, SourceKey
from raglan.core.clock import CLOCK, now
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world


def test_the_same_alert_again_is_counted_and_pages_nobody(source: SourceKey, outbox: world.Outbox) -> None:
    outcomes = [world.ingest(source, world.signal()) for _ in range(3)]
    world.fire_all()

    assert outcomes == [Outcome(new=1), Outcome(repeated=1), Outcome(repeated=1)]
    assert Alert.objects.get().signal_count == 3
    assert len(outbox.sent) == 1


def test_twenty_copies_in_one_request_are_one_alert_and_one_page(source: SourceKey, outbox: world.Outbox) -> None:
    outcome = world.ingest(source, *[world.signal()] * 20)
    world.fire_all()

    assert outcome == Outcome(new=1, repeated=19)
    assert (Alert.objects.count(), len(outbox.sent)) == (1, 1)


def test_other_labels_are_another_alert(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="web-014"), world.signal(instance="web-015"))

    assert Alert.objects.count() == 2


def test_the_order_of_labels_does_not_matter(source: SourceKey) -> None:
    world.ingest(source, world.signal(a="1", b="2"), world.signal(b="2", a="1"))

    assert Alert.objects.count() == 1


def test_labels_that_only_look_joined_alike_are_told_apart(source: SourceKey) -> None:
    world.ingest(source, world.signal(a="1", b="2"), world.signal(a="1\x01b2"))

    assert Alert.objects.count() == 2


def test_a_key_of_the_source_counts_instead_of_labels(source: SourceKey) -> None:
    world.ingest(source, world.signal(key="disk", instance="a"), world.signal(key="disk", instance="b"))

    assert Alert.objects.get().signal_count == 2


def test_the_end_of_the_last_alert_closes_the_group_and_ends_the_page(source: SourceKey, outbox: world.Outbox) -> None:
    world.ingest(source, world.signal())
    world.fire_all()

    assert world.ingest(source, world.signal("resolved")) == Outcome(resolved=1)
    world.fast_forward(timedelta(hours=1))

    assert Alert.objects.get().state == Alert.State.RESOLVED
    assert AlertGroup.objects.get().state == AlertGroup.State.CLOSED
    assert Page.objects.get().state == Page.State.RESOLVED
    assert len(outbox.sent) == 1


def test_the_end_of_one_of_two_leaves_the_page_open(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"), world.signal(instance="b"))

    world.ingest(source, world.signal("resolved", instance="a"))

    assert AlertGroup.objects.get().firing_count == 1
    assert Page.objects.get().state == Page.State.TRIGGERED


def test_one_source_can_not_resolve_what_another_one_reported(source: SourceKey) -> None:
    other = world.source()
    world.ingest(source, world.signal(), world.signal(key="disk"))

    world.ingest(other, world.signal("resolved"), world.signal("resolved", key="disk"))

    assert Alert.objects.filter(state=Alert.State.FIRING).count() == 2
    assert Page.objects.filter(state=Page.State.TRIGGERED).exists()


def test_the_end_of_something_unknown_is_kept_with_its_reason(source: SourceKey) -> None:
    assert world.ingest(source, world.signal("resolved")) == Outcome()

    kept = Signal.objects.get()
    assert (kept.alert, kept.problem) == (None, "nothing with these labels was firing")
    assert not Alert.objects.exists()


def test_what_fires_again_is_a_new_alert_and_a_new_page(source: SourceKey, outbox: world.Outbox) -> None:
    for status in ("firing", "resolved", "firing"):
        world.ingest(source, world.signal(status))  # type: ignore[arg-type]  # three of the words
        world.fire_all()

    assert [alert.state for alert in Alert.objects.order_by("pk")] == ["resolved", "firing"]
    assert len(outbox.sent) == 2


def test_it_may_resolve_and_fire_again_in_one_request(source: SourceKey) -> None:
    world.ingest(source, world.signal())

    outcome = world.ingest(source, world.signal("resolved"), world.signal(), world.signal())

    assert outcome == Outcome(new=1, repeated=1, resolved=1)
    assert list(AlertGroup.objects.order_by("pk").values_list("state", flat=True)) == ["closed", "open"]


def test_an_alert_from_months_ago_pages_nobody_and_a_new_one_is_new(source: SourceKey, outbox: world.Outbox) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=Person.objects.get(name="Mara Keller"), via=paging.Via.LINK)
    world.fast_forward(timedelta(days=60))  # whoever has it is asked again, in daylight, and not for ever
    asked = len(outbox.sent)
    world.fast_forward(timedelta(days=30))
    assert len(outbox.sent) == asked

    world.ingest(source, world.signal("resolved"))
    world.ingest(source, world.signal())
    world.fire_all()

    assert len(outbox.sent) == asked + 1


def test_what_a_source_does_not_repeat_in_time_ends(source: SourceKey) -> None:
    expiring = world.signal(expires_at=now() + timedelta(minutes=5))
    world.ingest(source, expiring)

    assert actions.expire() == 0
    CLOCK.move(timedelta(minutes=6))
    assert actions.expire() == 1

    alert = Alert.objects.get()
    assert (alert.state, alert.group.state) == (Alert.State.RESOLVED, AlertGroup.State.CLOSED)
    assert Page.objects.get().state == Page.State.RESOLVED


def test_a_repeat_puts_the_end_off(source: SourceKey) -> None:
    world.ingest(source, world.signal(expires_at=now() + timedelta(minutes=5)))
    CLOCK.move(timedelta(minutes=4))
    world.ingest(source, world.signal(expires_at=now() + timedelta(minutes=5)))
    CLOCK.move(timedelta(minutes=4))

    assert actions.expire() == 0


def test_an_alert_without_an_end_fires_until_it_is_resolved(source: SourceKey) -> None:
    world.ingest(source, world.signal())
    CLOCK.move(timedelta(days=400))

    assert actions.expire() == 0


def test_old_raw_signals_are_forgotten_and_alerts_stay(source: SourceKey) -> None:
    world.ingest(source, world.signal())
    CLOCK.move(timedelta(days=15))

    assert actions.forget_old_signals() == 1
    assert Alert.objects.count() == 1
