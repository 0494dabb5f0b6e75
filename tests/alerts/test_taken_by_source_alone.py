"""What a source acknowledges takes a page for what that page asks, and nothing that somebody else was asked for."""

from datetime import timedelta

import pytest

from raglan.alerts import actions, own_page
from raglan.alerts.models import Alert
from raglan.alerts.ports import SourceKey
from raglan.core.clock import CLOCK
from raglan.paging import actions as paging
from raglan.paging import returning
from raglan.paging.models import Page, Policy
from raglan.people.models import Person
from raglan.testing import world
from tests.alerts.test_taken_by_source import say, state, words_of

HOUR = timedelta(hours=1)


def states() -> list[str]:
    """Return the states of all pages, the oldest first."""
    return [page.state for page in Page.objects.order_by("pk")]


# What was held back ---------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_while_silenced_rings_nobody_afterwards(source: SourceKey, outbox: world.Outbox) -> None:
    world.silence(("instance", "=", "a"))
    say(source, "firing", "a")
    say(source, "acknowledged", "a")

    world.fast_forward(3 * HOUR)

    assert Alert.objects.get().held == ""
    assert (state(), outbox.sent) == (Page.State.ACKNOWLEDGED, [])


def test_what_was_not_acknowledged_rings_when_its_silence_ends(source: SourceKey, outbox: world.Outbox) -> None:
    world.silence(("instance", "=", "a"))
    say(source, "firing", "a")

    world.fast_forward(3 * HOUR)

    assert state() in paging.OPEN
    assert outbox.sent


def test_when_the_last_that_nobody_has_is_silenced_the_page_is_taken(source: SourceKey) -> None:
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a")

    world.silence(("instance", "=", "b"))

    assert state() == Page.State.ACKNOWLEDGED


def test_a_silence_of_something_else_takes_nothing(source: SourceKey) -> None:
    say(source, "firing", "a", "b", "c")
    say(source, "acknowledged", "a")

    world.silence(("instance", "=", "b"))

    assert state() == Page.State.TRIGGERED


# Pages after one that somebody has ------------------------------------------------------------------------------------


@pytest.fixture
def second(source: SourceKey, outbox: world.Outbox, mara: Person) -> SourceKey:
    """A source of which a person has the first page, for alert a; alert b paged again and nobody has that."""
    say(source, "firing", "a")
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)
    say(source, "firing", "b")
    world.fast_forward(timedelta(minutes=6))
    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]
    return source


def test_what_a_person_has_already_is_not_asked_of_the_source(second: SourceKey, outbox: world.Outbox) -> None:
    rung = len(outbox.sent)

    say(second, "acknowledged", "b")
    world.fast_forward(timedelta(minutes=30))

    assert states() == [Page.State.ACKNOWLEDGED] * 2
    assert len(outbox.sent) == rung


def test_an_acknowledgement_of_what_a_person_has_takes_no_later_page(second: SourceKey) -> None:
    say(second, "acknowledged", "a")

    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]


def test_all_that_joined_the_later_page_must_be_acknowledged(second: SourceKey) -> None:
    say(second, "firing", "c")
    say(second, "acknowledged", "b")
    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]

    say(second, "resolved", "c")

    assert states() == [Page.State.ACKNOWLEDGED] * 2


def test_what_joined_the_later_page_is_asked_also_when_the_earlier_one_was_taken_once_more(
    second: SourceKey, mara: Person
) -> None:
    say(second, "firing", "c")
    CLOCK.move(timedelta(minutes=1))
    first = returning.give_back(Page.objects.order_by("pk")[0], by=mara)
    paging.acknowledge(first, by=mara, via=paging.Via.LINK)

    say(second, "acknowledged", "b")

    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]


def test_what_got_worse_is_taken_alone(source: SourceKey, outbox: world.Outbox, mara: Person) -> None:
    world.ingest(source, world.signal(instance="a", severity="warning"))
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)
    CLOCK.move(timedelta(minutes=1))
    world.ingest(source, world.signal(instance="c", severity="critical"))
    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]

    world.ingest(source, world.signal("acknowledged", instance="c", severity="critical"))

    assert states() == [Page.State.ACKNOWLEDGED] * 2


def test_when_the_earlier_page_is_given_back_it_counts_again(second: SourceKey, mara: Person) -> None:
    returning.give_back(Page.objects.order_by("pk")[0], by=mara)
    say(second, "acknowledged", "b")
    assert states() == [Page.State.TRIGGERED] * 2

    say(second, "acknowledged", "a")

    assert states() == [Page.State.ACKNOWLEDGED] * 2


def test_what_its_source_gave_back_meanwhile_is_asked_by_the_later_page(second: SourceKey) -> None:
    say(second, "acknowledged", "b")
    own_page.give_back(second.id, Alert.objects.get(labels__instance="a").pk, by="")
    say(second, "acknowledged", "b")
    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]

    say(second, "acknowledged", "a")

    assert states() == [Page.State.ACKNOWLEDGED] * 2


def test_when_what_it_asks_is_over_a_later_page_is_not_said_to_be_with_the_source(second: SourceKey) -> None:
    say(second, "resolved", "b")

    assert states() == [Page.State.ACKNOWLEDGED, Page.State.TRIGGERED]


# What somebody gave back ----------------------------------------------------------------------------------------------


@pytest.fixture
def returned(source: SourceKey, mara: Person) -> SourceKey:
    """A source that acknowledged a and b; then a person gave the page back."""
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a", "b")
    CLOCK.move(timedelta(seconds=1))
    returning.give_back(Page.objects.get(), by=mara)
    CLOCK.move(timedelta(seconds=1))
    return source


def test_an_acknowledgement_of_something_else_does_not_take_what_a_person_gave_back(returned: SourceKey) -> None:
    say(returned, "firing", "c")

    say(returned, "acknowledged", "c")

    assert state() == Page.State.TRIGGERED
    assert words_of("c")[0] == "goes_on"


def test_what_a_person_gave_back_is_taken_when_all_is_acknowledged_anew(returned: SourceKey) -> None:
    say(returned, "acknowledged", "a")
    assert state() == Page.State.TRIGGERED

    say(returned, "acknowledged", "b")

    assert state() == Page.State.ACKNOWLEDGED


def test_what_its_source_gave_back_is_taken_when_that_is_acknowledged_anew(source: SourceKey) -> None:
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a", "b")
    own_page.give_back(source.id, Alert.objects.get(labels__instance="a").pk, by="")

    say(source, "acknowledged", "a")

    assert state() == Page.State.ACKNOWLEDGED


# Routes that go on ----------------------------------------------------------------------------------------------------


def of_two(policy: Policy, mara: Person, wait_s: int) -> SourceKey:
    """A source whose alerts page two policies."""
    world.route(1, policy, options=actions.RouteOptions(wait_s=wait_s, goes_on=True))
    world.route(2, world.policy((300, [mara])))
    return world.source()


@pytest.mark.parametrize("wait_s", [0, 30])
def test_an_acknowledgement_takes_the_pages_of_all_its_routes(
    policy: Policy, outbox: world.Outbox, mara: Person, wait_s: int
) -> None:
    source = of_two(policy, mara, wait_s)
    say(source, "firing", "a")
    say(source, "acknowledged", "a")

    world.fast_forward(timedelta(minutes=30))

    assert states() == [Page.State.ACKNOWLEDGED] * 2
    assert outbox.sent == []


def test_when_the_last_that_nobody_has_is_over_the_pages_of_all_routes_are_taken(policy: Policy, mara: Person) -> None:
    source = of_two(policy, mara, 0)
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a")

    say(source, "resolved", "b")

    assert states() == [Page.State.ACKNOWLEDGED] * 2


def test_a_page_of_another_route_goes_on_for_what_it_asks(policy: Policy, outbox: world.Outbox, mara: Person) -> None:
    source = of_two(policy, mara, 0)
    say(source, "firing", "a")
    world.fire_all()
    paging.acknowledge(Page.objects.order_by("pk")[0], by=mara, via=paging.Via.LINK)
    say(source, "firing", "b")
    say(source, "acknowledged", "b")

    world.fast_forward(timedelta(minutes=6))

    assert states()[0] == Page.State.ACKNOWLEDGED
    assert states()[1] in paging.OPEN
    assert "rings nobody" not in words_of("b")[1]
