"""Alerts that fire in one commit are told together, and whoever watches one of their groups hears of it."""

from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.ports import SourceKey
from raglan.alerts.snapshot import FIRED_AT_ONCE
from raglan.core import timeline
from raglan.testing import replay, world


def fired() -> list[list[int]]:
    told = [event.data["alerts"] for event in replay.events_after(0) if event.kind == "alerts.fired"]
    return [[one["alert"] for one in alerts] for alerts in told]  # type: ignore[attr-defined]  # a list of objects


def test_some_are_one_event_and_none_is_left_out(source: SourceKey) -> None:
    world.ingest(source, *(world.signal(instance=f"web-{number}") for number in range(FIRED_AT_ONCE + 6)))

    told = fired()

    assert [len(alerts) for alerts in told] == [FIRED_AT_ONCE, 6]
    assert [pk for alerts in told for pk in alerts] == list(Alert.objects.order_by("pk").values_list("pk", flat=True))


def test_groups_that_open_do_not_part_them(source: SourceKey) -> None:
    world.ingest(source, *(world.signal(alertname=f"A{number}") for number in range(5)))

    kinds = [event.kind for event in replay.events_after(0) if event.kind in ("group.opened", "alerts.fired")]

    assert kinds == ["group.opened"] * 5 + ["alerts.fired"]


def test_what_ends_in_between_is_told_in_between(source: SourceKey) -> None:
    world.ingest(source, world.signal(), world.signal("resolved"), world.signal())

    kinds = [event.kind for event in replay.events_after(0) if event.kind in ("alerts.fired", "alert.resolved")]

    assert kinds == ["alerts.fired", "alert.resolved", "alerts.fired"]


def test_a_screen_that_was_away_hears_of_the_groups(source: SourceKey) -> None:
    world.ingest(source, world.signal(alertname="A", instance="a"), world.signal(alertname="B"))
    before = timeline.newest_id()
    world.ingest(source, world.signal(alertname="A", instance="b"))

    joined, other = AlertGroup.objects.order_by("pk")
    names = timeline.names_since(before, overlap=0)

    assert names is not None
    assert f"group:{joined.pk}" in names
    assert "alerts" in names
    assert f"group:{other.pk}" not in names


def test_too_many_such_events_are_too_much_to_tell(source: SourceKey) -> None:
    before = timeline.newest_id()
    payload = '{"alerts": [], "names": ["group:1"]}'
    timeline.append_records([timeline.Record("alerts.fired", payload, ("alerts",))] * (timeline.WIDE_READ + 1))

    assert timeline.names_since(before) is None
