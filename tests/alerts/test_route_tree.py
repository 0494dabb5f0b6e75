"""Routes are a tree: read in order, asked only within their hours, with a search that may go on and a sure fallback."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from raglan.alerts import actions
from raglan.alerts.models import Alert, AlertGroup, Route
from raglan.alerts.pipeline.hours import is_within, parse_span
from raglan.alerts.pipeline.route import matching
from raglan.alerts.ports import SourceKey
from raglan.alerts.route_queries import routes
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.paging.models import Page, Policy
from raglan.people.models import Person
from raglan.testing import world

Options = actions.RouteOptions


def positions(**labels: str) -> list[int]:
    return [rule.position for rule in matching(labels, routes(), now())]


@pytest.mark.parametrize(
    ("text", "local", "holds"),
    [
        ("mon-fri 09:00-17:00", "2026-11-26T09:00", True),
        ("mon-fri 09:00-17:00", "2026-11-26T17:00", False),
        ("mon-fri 09:00-17:00", "2026-11-28T10:00", False),
        ("sat,sun 00:00-24:00", "2026-11-28T23:59", True),
        ("fri-mon 00:00-24:00", "2026-11-29T12:00", True),
        ("fri-mon 00:00-24:00", "2026-11-26T12:00", False),
        ("fri 22:00-06:00", "2026-11-28T05:59", True),
        ("fri 22:00-06:00", "2026-11-27T05:59", False),
        ("daily 22:00-06:00", "2026-11-26T03:00", True),
        ("mon , tue 1:00-2:00", "2026-11-24T01:30", True),
    ],
)
def test_hours_hold_on_the_wall_clock(text: str, local: str, holds: bool) -> None:
    at = datetime.fromisoformat(f"{local}+00:00")

    assert is_within([parse_span(text, "hours")], "UTC", at) is holds


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-30", "2026-10-24", "2026-10-26"])
def test_hours_begin_at_the_same_wall_time_on_both_sides_of_a_clock_change(day: str) -> None:
    nine = datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    span = [parse_span("daily 09:00-17:00", "hours")]

    assert is_within(span, "Europe/Berlin", nine.astimezone(UTC))
    assert not is_within(span, "Europe/Berlin", (nine - timedelta(seconds=1)).astimezone(UTC))


@pytest.mark.parametrize(
    "text", ["", "mon", "funday 09:00-17:00", "mon 25:00-26:00", "mon 09:60-10:00", "9-17", "mon-xyz 1:00-2:00"]
)
def test_hours_that_can_not_be_read_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_span(text, "hours")


def test_a_route_below_another_is_asked_first_and_the_one_above_takes_the_rest(policy: Policy) -> None:
    top = world.route(10, policy, ("team", "=", "db"))
    world.route(1, policy, ("never", "=", "x"))
    world.route(20, policy, ("severity", "=", "critical"), options=Options(parent=top))
    world.route(30, policy)

    assert positions(team="db", severity="critical") == [20]
    assert positions(team="db") == [10]
    assert positions(severity="critical") == [30]


def test_a_route_that_goes_on_pages_both_policies_and_their_end_ends_both(
    source: SourceKey, mara: Person, outbox: world.Outbox
) -> None:
    other = world.policy((60, [world.person("Otto Berg")]))
    world.route(1, Policy.objects.get(slug="web"), options=Options(goes_on=True))
    world.route(2, other)

    world.ingest(source, world.signal())
    world.fire_all()

    assert sorted(item.message.person_name for item in outbox.sent) == ["Mara Keller", "Otto Berg"]
    routed = Alert.objects.get().trail[2]
    assert "also to Web by route 2, version 1" in str(routed)
    world.ingest(source, world.signal("resolved"))
    assert set(Page.objects.values_list("state", flat=True)) == {"resolved"}


def test_outside_its_hours_a_route_takes_nothing(policy: Policy) -> None:
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[now().weekday()]
    other = next(name for name in ("mon", "wed") if name != day)
    world.route(1, policy, options=Options(hours=[f"{other} 00:00-24:00"]))
    world.route(2, policy, options=Options(hours=[f"{day} 00:00-24:00"]))

    assert positions() == [2]


def test_without_any_route_that_takes_it_an_alert_goes_to_the_fallback(source: SourceKey, outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    world.route(1, Policy.objects.get(slug="web"), ("never", "=", "x"))

    world.ingest(source, world.signal())
    world.fire_all()

    assert [item.message.person_name for item in outbox.sent] == ["Ada Lamb"]


def test_a_new_group_waits_and_pages_once_for_all_that_came(source: SourceKey, outbox: world.Outbox) -> None:
    world.route(1, Policy.objects.get(slug="web"), options=Options(wait_s=30))
    world.ingest(source, world.signal(instance="a"))
    world.ingest(source, world.signal(instance="b"))
    world.fast_forward(timedelta(seconds=29))
    assert (outbox.sent, AlertGroup.objects.get().page) == ([], None)
    assert Alert.objects.earliest("pk").trail[-1][:2] == ["page", "waits"]

    world.fast_forward(timedelta(seconds=2))

    assert len(outbox.sent) == 1
    assert {alert.decisions.get().outcome for alert in Alert.objects.all()} == {"paged"}


def test_what_ends_within_the_wait_pages_nobody(source: SourceKey, outbox: world.Outbox) -> None:
    world.route(1, Policy.objects.get(slug="web"), options=Options(wait_s=30))
    world.ingest(source, world.signal())
    world.ingest(source, world.signal("resolved"))

    world.fast_forward(timedelta(minutes=5))

    assert outbox.sent == []


def test_the_interval_of_a_route_says_when_more_is_told(source: SourceKey, outbox: world.Outbox, mara: Person) -> None:
    world.route(1, Policy.objects.get(slug="web"), options=Options(interval_s=60))
    world.ingest(source, world.signal(instance="a"))
    world.fire_all()
    world.paging.acknowledge(Page.objects.get(), by=mara, via=world.paging.Via.LINK)
    world.ingest(source, world.signal(instance="b"))

    world.fast_forward(timedelta(seconds=61))

    assert [item.message.title for item in outbox.sent] == ["HttpdDown", "Also: HttpdDown"]


def test_routes_change_places_with_their_neighbours(policy: Policy) -> None:
    first, second = world.route(10, policy, ("a", "=", "1")), world.route(20, policy, ("b", "=", "1"))

    actions.move_route(second, up=True, actor="raglan")
    assert positions(a="1", b="1") == [1]  # the policy's own route stands before both
    second.refresh_from_db()
    first.refresh_from_db()
    assert (first.position, second.position) == (20, 10)
    assert actions.move_route(first, up=False, actor="raglan").position == 20


def test_a_route_with_others_below_it_and_one_that_was_changed_are_not_removed(policy: Policy) -> None:
    top = world.route(10, policy)
    below = world.route(20, policy, options=Options(parent=top))
    with pytest.raises(Conflict, match="below"):
        actions.remove_route(top, version=1, actor="raglan")
    with pytest.raises(Conflict, match="meanwhile"):
        actions.remove_route(below, version=7, actor="raglan")

    actions.remove_route(below, version=1, actor="raglan")
    actions.remove_route(top, version=1, actor="raglan")

    assert list(Route.objects.values_list("position", flat=True)) == [1]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (Options(wait_s=-1), "wait_s"),
        (Options(interval_s=86_401), "interval_s"),
        (Options(hours=["whenever"]), "hours"),
        (Options(zone="Mars/Base"), "zone"),
        (Options(zone="../etc"), "zone"),
        (Options(hours=["mon 1:00-2:00"] * 21), "hours"),
    ],
)
def test_options_that_can_not_be_are_refused(policy: Policy, options: Options, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        world.route(2, policy, options=options)

    assert caught.value.field == field


def test_a_route_does_not_stand_below_itself(policy: Policy) -> None:
    top = world.route(10, policy)
    below = world.route(20, policy, options=Options(parent=top))

    with pytest.raises(BadInput, match="below itself"):
        world.route(10, policy, options=Options(parent=below))
