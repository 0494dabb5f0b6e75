"""A silence mutes what matches between two instants; what still fires at its end pages then."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from raglan.alerts import actions, noise_queries
from raglan.alerts.models import Alert, AlertGroup, Silence
from raglan.alerts.ports import SourceKey
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world

Decided = Callable[[int], list[tuple[str, str]]]
DOWN = ("alertname", "=", "HttpdDown")


def test_what_is_silenced_pages_nobody_and_says_which_silence_by_whom_and_why(
    source: SourceKey, outbox: world.Outbox, decided: Decided
) -> None:
    silence = world.silence(DOWN)

    world.ingest(source, world.signal())
    world.fire_all()

    alert = Alert.objects.get()
    told = next(item for item in alert.decided if item.stage == "silence")
    assert (len(outbox.sent), Page.objects.count()) == (0, 0)
    assert decided(alert.pk)[-2:] == [("silence", "silenced"), ("page", "held_back")]
    assert f"silence {silence.pk} by Mara Keller until " in told.reason
    assert told.rule == f"silence {silence.pk}, version 1"
    assert (alert.held, alert.held_by) == ("silenced", [f"silence:{silence.pk}"])


def test_an_alert_that_still_fires_when_its_silence_ends_pages_then(
    source: SourceKey, outbox: world.Outbox, decided: Decided
) -> None:
    world.silence(DOWN, hours=1)
    world.ingest(source, world.signal())
    world.fast_forward(timedelta(minutes=59))
    assert outbox.sent == []

    world.fast_forward(timedelta(minutes=2))

    assert len(outbox.sent) == 1
    assert decided(Alert.objects.get().pk)[-2:] == [("hold", "released"), ("page", "paged")]


def test_an_alert_that_ended_within_its_silence_pages_nobody(source: SourceKey, outbox: world.Outbox) -> None:
    world.silence(DOWN)
    world.ingest(source, world.signal())
    world.ingest(source, world.signal("resolved"))

    world.fast_forward(timedelta(hours=2))

    assert outbox.sent == []
    assert AlertGroup.objects.get().state == AlertGroup.State.CLOSED


def test_a_silence_set_after_the_page_ends_the_page_and_its_end_pages_anew(
    source: SourceKey, outbox: world.Outbox
) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    world.silence(DOWN)
    assert Page.objects.get().state == Page.State.RESOLVED

    world.fast_forward(timedelta(minutes=61))

    assert [page.state for page in Page.objects.order_by("pk")] == ["resolved", "triggered"]
    assert len(outbox.sent) == 2


def test_a_silence_on_one_of_two_leaves_the_page_of_the_other(source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"), world.signal(instance="b"))

    world.silence(("instance", "=", "a"))

    assert Page.objects.get().state == Page.State.TRIGGERED
    assert AlertGroup.objects.get().held_count == 1


def test_a_silence_for_later_mutes_from_then_on(source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.silence(DOWN, after=1)
    assert Page.objects.get().state == Page.State.TRIGGERED

    world.fast_forward(timedelta(minutes=61))

    assert Page.objects.get().state == Page.State.RESOLVED
    assert Alert.objects.get().held == "silenced"


def test_a_silence_that_is_expired_pages_at_once(source: SourceKey, outbox: world.Outbox) -> None:
    silence = world.silence(DOWN)
    world.ingest(source, world.signal())

    actions.expire_silence(silence, actor="raglan")
    actions.expire_silence(silence, actor="raglan")
    world.fire_all()

    assert len(outbox.sent) == 1


def test_an_edited_silence_mutes_what_it_says_now(source: SourceKey, outbox: world.Outbox) -> None:
    silence = world.silence(DOWN)
    world.ingest(source, world.signal(alertname="HttpdDown"), world.signal(alertname="Other"))

    changed = actions.change_silence(
        silence, world.silence_draft(("alertname", "=", "Other")), version=1, actor="raglan"
    )

    held = dict(Alert.objects.values_list("labels__alertname", "held"))
    assert held == {"HttpdDown": "", "Other": "silenced"}
    assert changed.version == 2
    with pytest.raises(Conflict, match="meanwhile"):
        actions.change_silence(silence, world.silence_draft(DOWN), version=1, actor="raglan")


def test_two_silences_hold_until_the_later_one_ends(source: SourceKey, outbox: world.Outbox) -> None:
    world.silence(DOWN, hours=1)
    world.silence(("service", "=", "httpd"), hours=2)
    world.ingest(source, world.signal())

    world.fast_forward(timedelta(minutes=90))
    assert outbox.sent == []
    world.fast_forward(timedelta(minutes=40))

    assert len(outbox.sent) == 1


def test_a_new_alert_in_a_group_whose_first_one_is_silenced_is_not_swallowed(
    source: SourceKey, outbox: world.Outbox
) -> None:
    world.silence(("instance", "=", "a"))
    world.ingest(source, world.signal(instance="a"))

    world.ingest(source, world.signal(instance="b"))
    world.fire_all()

    assert AlertGroup.objects.count() == 1
    assert len(outbox.sent) == 1


def test_a_new_alert_in_a_group_that_somebody_has_pages_at_the_end_of_the_interval(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)
    world.ingest(source, world.signal(instance="b"), world.signal(instance="c"))
    world.fast_forward(timedelta(minutes=4))
    assert len(outbox.sent) == 1

    world.fast_forward(timedelta(minutes=2))

    assert len(outbox.sent) == 2
    assert outbox.sent[1].message.title == "2 more: HttpdDown"
    world.ingest(source, *[world.signal("resolved", instance=name) for name in "abc"])
    assert set(Page.objects.values_list("state", flat=True)) == {"resolved"}


def test_what_ended_before_the_interval_did_is_not_told(source: SourceKey, outbox: world.Outbox, mara: Person) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)
    world.ingest(source, world.signal(instance="b"))
    world.ingest(source, world.signal("resolved", instance="b"))

    world.fast_forward(timedelta(minutes=10))

    assert len(outbox.sent) == 1


def test_a_worse_alert_does_not_wait_for_the_interval(source: SourceKey, outbox: world.Outbox, mara: Person) -> None:
    world.ingest(source, world.signal(instance="a", severity="warning"))
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)

    world.ingest(source, world.signal(instance="b", severity="critical"))
    world.fire_all()

    assert outbox.sent[-1].message.title == "Worse: HttpdDown"


def test_a_new_alert_after_nobody_answered_pages_again(source: SourceKey, outbox: world.Outbox) -> None:
    world.ingest(source, world.signal(instance="a"))
    world.fast_forward(timedelta(hours=1))
    assert Page.objects.get().state == Page.State.UNANSWERED

    world.ingest(source, world.signal(instance="b"))

    assert [page.state for page in Page.objects.order_by("pk")] == ["resolved", "triggered"]


def test_a_silence_that_a_source_set_hits_its_own_alerts_only(source: SourceKey) -> None:
    own = actions.Setter("ops", source_id=world.source().id)
    actions.set_silence(world.silence_draft(DOWN), by=own, actor="raglan")

    world.ingest(source, world.signal())

    assert Alert.objects.get().held == ""


def test_more_alerts_than_one_look_takes_are_all_released(
    source: SourceKey, outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raglan.alerts.holds.AT_ONCE", 3)
    world.silence(("alertname", "=~", "A.*"))
    world.ingest(source, *[world.signal(alertname=f"A{number}") for number in range(10)])

    world.fast_forward(timedelta(hours=2))

    assert len({item.message.title for item in outbox.sent}) == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"matchers": []}, "matchers"),
        ({"matchers": [world.Matcher("team", "=~", ".*")]}, "matchers"),
        ({"matchers": [world.Matcher("team", "=~", "(")]}, "matchers[0].value"),
        ({"reason": " "}, "reason"),
        ({"ends_at": datetime(2026, 1, 1)}, "ends_at"),
        ({"starts_at": datetime(2026, 1, 1)}, "starts_at"),
        ({"ends_at": now() - timedelta(minutes=5)}, "ends_at"),
        ({"ends_at": now() + timedelta(days=900)}, "ends_at"),
    ],
)
def test_a_silence_that_can_not_be_is_refused(db: None, change: dict[str, object], field: str) -> None:
    draft = replace(world.silence_draft(DOWN), **change)  # type: ignore[arg-type]  # values by name

    with pytest.raises(BadInput) as caught:
        actions.set_silence(draft, by=actions.Setter("Mara"), actor="raglan")

    assert (caught.value.field, Silence.objects.count()) == (field, 0)


def test_the_preview_says_what_a_silence_would_hit(source: SourceKey) -> None:
    world.ingest(source, *[world.signal(instance=str(number)) for number in range(25)], world.signal(alertname="X"))
    world.ingest(source, world.signal("resolved", instance="3"))

    hits = noise_queries.hits([world.Matcher(*DOWN)])

    assert (hits.firing, len(hits.examples), hits.lately, hits.is_all) == (24, 20, 25, True)
