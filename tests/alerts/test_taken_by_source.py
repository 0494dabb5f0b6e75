"""A source that acknowledges one alert takes the page of its group only when all that fires there is acknowledged."""

from datetime import timedelta

import pytest

from raglan.alerts import actions, own_page
from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.ports import SourceKey, Status
from raglan.core.models import Event
from raglan.paging import actions as paging
from raglan.paging import returning
from raglan.paging.models import Page, Policy
from raglan.people.models import Person
from raglan.testing import world

WAIT = timedelta(seconds=30)


def say(source: SourceKey, status: Status, *names: str) -> None:
    """Let a source say the same of some alerts of one group, in one request."""
    world.ingest(source, *(world.signal(status, instance=name) for name in names))


def words_of(name: str) -> tuple[str, str]:
    """Return outcome and reason of what was decided last on an alert."""
    last = Alert.objects.get(labels__instance=name).decided[-1]
    return last.outcome, last.reason


def state() -> str:
    """Return the state of the page of the only group."""
    page = AlertGroup.objects.get().page
    return page.state if page is not None else ""


def test_the_page_goes_on_for_alerts_that_nobody_has(source: SourceKey, outbox: world.Outbox) -> None:
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a")
    world.fire_all()

    assert state() == Page.State.TRIGGERED
    assert words_of("a") == (
        "goes_on",
        f"its source has it; page {Page.objects.get().pk} goes on for others of its group",
    )
    assert len(outbox.sent) == 1


@pytest.mark.parametrize("together", [True, False])
def test_the_last_acknowledgement_takes_it(source: SourceKey, together: bool) -> None:
    say(source, "firing", "a", "b")
    for names in (("a", "b"),) if together else (("a",), ("b",)):
        say(source, "acknowledged", *names)

    assert state() == Page.State.ACKNOWLEDGED
    assert words_of("b")[0] == "taken"


def test_what_opens_and_is_acknowledged_in_one_request_counts(source: SourceKey) -> None:
    signals = [world.signal(status, instance=name) for name in "ab" for status in ("firing", "acknowledged")]
    world.ingest(source, signals[0], signals[2], signals[1])
    assert state() == Page.State.TRIGGERED

    world.ingest(source, signals[3])

    assert state() == Page.State.ACKNOWLEDGED


def test_what_is_held_back_does_not_count(source: SourceKey) -> None:
    world.silence(("instance", "=", "b"))
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a")

    assert state() == Page.State.ACKNOWLEDGED


def test_an_acknowledgement_that_comes_twice_is_one(source: SourceKey) -> None:
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a")
    say(source, "acknowledged", "a")

    assert state() == Page.State.TRIGGERED


# What is left ---------------------------------------------------------------------------------------------------------


def test_when_the_last_that_nobody_has_is_over_the_page_is_taken(source: SourceKey) -> None:
    say(source, "firing", "a", "b", "c")
    say(source, "acknowledged", "a")
    say(source, "resolved", "b")
    assert state() == Page.State.TRIGGERED

    say(source, "resolved", "c")

    assert state() == Page.State.ACKNOWLEDGED
    told = Event.objects.get(kind="page.acknowledged")
    assert (told.actor, told.data["via"]) == (f"source:{source.id}", "source")


def test_what_expires_leaves_it_taken_as_well(source: SourceKey) -> None:
    say(source, "firing", "a")
    world.ingest(source, world.signal(instance="b", expires_at=world.now() + timedelta(minutes=1)))
    say(source, "acknowledged", "a")
    world.CLOCK.move(timedelta(minutes=2))
    actions.expire()

    assert state() == Page.State.ACKNOWLEDGED


def test_a_page_that_began_again_is_left_to_those_whom_it_asks(source: SourceKey, mara: Person) -> None:
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a", "b")
    returning.give_back(Page.objects.get(), by=mara)

    say(source, "resolved", "b")

    assert state() == Page.State.TRIGGERED


def test_a_resolve_of_something_else_takes_nothing(source: SourceKey) -> None:
    say(source, "firing", "a", "b", "c")
    say(source, "resolved", "a")

    assert state() == Page.State.TRIGGERED


def test_what_its_source_gave_back_is_nobodys(source: SourceKey) -> None:
    say(source, "firing", "a", "b")
    say(source, "acknowledged", "a", "b")
    own_page.give_back(source.id, Alert.objects.get(labels__instance="a").pk, by="")

    say(source, "acknowledged", "b")

    assert state() == Page.State.TRIGGERED


def test_somebody_who_is_faster_has_it(source: SourceKey, mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    say(source, "firing", "a")
    whole = paging.acknowledge

    def later(page: Page, **more: object) -> Page:
        monkeypatch.setattr(paging, "acknowledge", whole)
        whole(Page.objects.get(pk=page.pk), by=mara, via=paging.Via.LINK)
        return whole(page, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(paging, "acknowledge", later)
    say(source, "acknowledged", "a")

    page = Page.objects.get()
    assert (page.state, page.acknowledged_by) == (Page.State.ACKNOWLEDGED, mara)


# While a group waits --------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(policy: Policy) -> SourceKey:
    """A source whose groups wait before their first page."""
    world.route(1, policy, options=actions.RouteOptions(wait_s=int(WAIT.total_seconds())))
    return world.source()


def test_an_acknowledgement_while_its_group_waits_is_kept(waiting: SourceKey, outbox: world.Outbox) -> None:
    say(waiting, "firing", "a")
    say(waiting, "acknowledged", "a")
    assert words_of("a")[0] == "kept"

    world.fast_forward(WAIT + timedelta(minutes=30))

    page = Page.objects.get()
    assert (page.state, page.acknowledged_by, outbox.sent) == (Page.State.ACKNOWLEDGED, None, [])
    assert words_of("a") == ("taken", f"its source has it: page {page.pk} starts taken, and rings nobody")
    assert AlertGroup.objects.get().page == page


def test_it_comes_back_in_daylight_when_it_is_forgotten(waiting: SourceKey, outbox: world.Outbox) -> None:
    say(waiting, "firing", "a")
    say(waiting, "acknowledged", "a")

    world.fast_forward(timedelta(days=3))

    assert outbox.sent


def test_it_rings_when_something_else_fires_that_nobody_has(waiting: SourceKey, outbox: world.Outbox) -> None:
    say(waiting, "firing", "a")
    say(waiting, "acknowledged", "a")
    say(waiting, "firing", "b")

    world.fast_forward(WAIT)

    assert (state(), len(outbox.sent)) == (Page.State.TRIGGERED, 1)


def test_what_joins_a_page_that_somebody_has_and_is_acknowledged_rings_nobody(
    source: SourceKey, outbox: world.Outbox, mara: Person
) -> None:
    say(source, "firing", "a")
    world.fire_all()
    paging.acknowledge(Page.objects.get(), by=mara, via=paging.Via.LINK)
    say(source, "firing", "b")
    say(source, "acknowledged", "b")
    rung = len(outbox.sent)

    world.fast_forward(timedelta(minutes=10))

    assert len(outbox.sent) == rung
    assert [page.state for page in Page.objects.order_by("pk")] == [Page.State.ACKNOWLEDGED] * 2
