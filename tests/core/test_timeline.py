# ruff: noqa: PT012 -- what must fail is a whole transaction

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection
from pydantic import ValidationError

from raglan.core import bus, timeline, timers
from raglan.core.db import atomic, bulk
from raglan.core.models import Event, EventSubject, Timer
from raglan.testing import world

pytestmark = pytest.mark.django_db
React = Callable[[timeline.Reaction], list[timeline.Happened]]


class KettleBoiled(timeline.EventPayload):
    """An event of these tests."""

    kind = "kettle.boiled"
    litres: float


@pytest.fixture
def reacts() -> Iterator[React]:
    """Let a function follow the event; what it heard is in the list."""

    def register(function: timeline.Reaction) -> list[timeline.Happened]:
        heard: list[timeline.Happened] = []

        def listen(event: timeline.Happened) -> None:
            heard.append(event)
            function(event)

        listen.__name__ = f"listener_{len(timeline._reactions.get('kettle.boiled', []))}"
        timeline.reaction("kettle.boiled")(listen)
        return heard

    yield register
    timeline._reactions.pop("kettle.boiled", None)


def boil(litres: float = 1.5, about: tuple[str, ...] = ("kettle:1",)) -> Event:
    return timeline.append(KettleBoiled(litres=litres), about=about)


def ignore(event: timeline.Happened) -> None:
    """React to nothing."""


def test_an_event_keeps_who_what_when_and_about_what() -> None:
    mara = world.person()

    event = timeline.append(KettleBoiled(litres=1.5), actor=mara, about=["kettle:1", mara])

    happened = timeline.happened(event.pk)
    assert (happened.kind, happened.actor, happened.data) == ("kettle.boiled", f"person:{mara.pk}", {"litres": 1.5})
    assert happened.subjects == ("kettle:1", f"person:{mara.pk}")
    assert happened.payload() == KettleBoiled(litres=1.5)


def test_a_rolled_back_change_leaves_no_event_no_reaction_and_no_news(reacts: React) -> None:
    heard = reacts(ignore)
    with pytest.raises(RuntimeError), atomic():
        boil()
        raise RuntimeError

    timers.fire_due()

    assert (Event.objects.count(), EventSubject.objects.count(), Timer.objects.count()) == (0, 0, 0)
    assert heard == []


def test_the_plan_of_a_reaction_is_written_with_its_event(reacts: React) -> None:
    reacts(ignore)

    event = boil()

    planned = Timer.objects.get()
    assert (planned.kind, planned.subject, planned.lane) == (timeline.REACT, f"event:{event.pk}", "kettle:1")


def test_each_reaction_hears_each_event_once(reacts: React) -> None:
    first, second = reacts(ignore), reacts(ignore)
    events = [boil(), boil()]

    timers.fire_due()
    timers.fire_due()

    for heard in (first, second):
        assert [event.id for event in heard] == [event.pk for event in events]


def test_a_reaction_that_fails_is_tried_again_and_does_not_harm_the_others(reacts: React) -> None:
    failures = [RuntimeError("not yet")]

    def fails_once(event: timeline.Happened) -> None:
        if failures:
            raise failures.pop()

    first, second = reacts(fails_once), reacts(ignore)
    boil()
    world.fast_forward(timedelta(seconds=10))

    assert (len(first), len(second)) == (2, 1)


def test_what_a_failing_reaction_wrote_is_gone(reacts: React) -> None:
    def writes_and_fails(event: timeline.Happened) -> None:
        timeline.append(KettleBoiled(litres=9), about=["kettle:2"])
        raise RuntimeError

    reacts(writes_and_fails)
    boil()
    world.fire_all()

    assert timeline.about("kettle:2") == []


def test_reactions_keep_the_order_of_events_about_one_thing(reacts: React) -> None:
    failures = [RuntimeError("not yet")]

    def fails_once(event: timeline.Happened) -> None:
        if failures:
            raise failures.pop()

    heard = reacts(fails_once)
    for litres in (1, 2, 3):
        boil(litres)
    world.fast_forward(timedelta(seconds=10))

    assert [event.data["litres"] for event in heard] == [1, 1, 2, 3]


def big(looks: list[int]) -> Callable[[Sequence[timeline.Happened]], set[int]]:
    """Only after the third there is anything to do."""

    def needed(events: Sequence[timeline.Happened]) -> set[int]:
        looks.append(len(events))
        return {event.id for event in events if event.data["litres"] == 3}

    return needed


def boil_some() -> None:
    facts = [(KettleBoiled(litres=number), [f"kettle:{number}"]) for number in range(5)]
    timeline.append_many(facts)


def test_what_nobody_needs_is_not_planned_where_nobody_else_writes_meanwhile(reacts: React) -> None:
    looks: list[int] = []
    heard: list[timeline.Happened] = []
    timeline.reaction("kettle.boiled", needed=big(looks))(heard.append)  # `reacts` takes it back
    boil_some()

    planned = [timer.payload["event"] for timer in Timer.objects.all()]
    third = timeline.about("kettle:3")[0].id
    if bulk.is_postgresql():
        assert (looks, len(planned)) == ([], 5)
    else:
        assert (looks, planned) == ([5], [third])
    timers.fire_due()
    assert ([event.id for event in heard], Timer.objects.count()) == ([third], 0)


def test_what_nobody_needs_is_over_for_many_at_once_and_the_rest_is_done(
    reacts: React, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    heard: list[timeline.Happened] = []
    monkeypatch.setattr(timeline, "_needed_of", lambda _listed, told, _at: told)  # as another version wrote them
    timeline.reaction("kettle.boiled", needed=big(looks))(heard.append)  # `reacts` takes it back
    boil_some()
    claimed = timers.claim(10, together=True)
    left = timers.fire_together(claimed)

    assert (looks, [due.payload["event"] for due in left]) == ([5], [timeline.about("kettle:3")[0].id])
    assert (heard, Timer.objects.count()) == ([], 1)
    timers.fire(left[0])
    assert ([event.data["litres"] for event in heard], Timer.objects.count()) == ([3], 0)


def test_one_that_cannot_tell_what_is_needed_is_done_for_each(reacts: React) -> None:
    def fails(events: Sequence[timeline.Happened]) -> set[int]:
        raise RuntimeError

    heard: list[timeline.Happened] = []
    timeline.reaction("kettle.boiled", needed=fails)(heard.append)
    boil(1, about=("kettle:1",))
    boil(2, about=("kettle:2",))
    timers.fire_due()

    assert [event.data["litres"] for event in heard] == [1, 2]


def test_events_about_a_thing_come_oldest_first_and_from_a_point_on() -> None:
    first, second = boil(1), boil(2)
    boil(3, about=("kettle:2",))

    assert [event.data["litres"] for event in timeline.about("kettle:1")] == [1, 2]
    assert [event.id for event in timeline.about("kettle:1", after=first.pk)] == [second.pk]
    assert len(timeline.about("kettle:1", limit=1)) == 1


def test_a_subject_named_twice_is_linked_once() -> None:
    event = boil(about=("kettle:1", "now", "kettle:1"))

    assert timeline.happened(event.pk).subjects == ("kettle:1", "now")


def test_an_event_takes_no_field_that_its_kind_does_not_have() -> None:
    with pytest.raises(ValidationError):
        KettleBoiled.model_validate({"litres": 1, "colour": "red"})


def test_names_since_a_break_are_all_that_changed() -> None:
    first = boil(about=("kettle:1",))
    boil(about=("kettle:2", "now"))

    assert set(timeline.names_since(first.pk, overlap=0) or []) == {"kettle:2", "now"}


def test_names_since_a_break_begin_some_ids_earlier() -> None:
    first = boil(about=("kettle:1",))
    boil(about=("kettle:2",))

    assert set(timeline.names_since(first.pk) or []) == {"kettle:1", "kettle:2"}


def test_after_too_long_a_break_or_in_a_strange_place_the_answer_is_to_reload() -> None:
    first = boil()
    for _ in range(5):
        boil()

    assert timeline.names_since(first.pk, limit=4) is None
    assert timeline.names_since(timeline.newest_id() + 1) is None
    assert timeline.names_since(timeline.newest_id(), overlap=0) == []


def test_too_many_names_to_tell_are_not_cut_short_in_silence() -> None:
    first = boil()
    boil(about=tuple(f"alert:{number}" for number in range(30)))

    assert timeline.names_since(first.pk, limit=20) is None


def test_every_kind_of_event_is_registered_by_its_name() -> None:
    assert timeline.KINDS["kettle.boiled"] is KettleBoiled
    assert all(kind == payload.kind for kind, payload in timeline.KINDS.items())


@pytest.mark.django_db(transaction=True)
def test_who_listens_hears_of_an_event_before_what_follows_from_it_begins(reacts: React) -> None:
    """Thousands may listen; whoever wrote it waits for them a moment, and what it wakes would stand in their way."""
    heard: list[str] = []
    ends = [bus.subscribe(lambda *_: heard.append("told")), timers.on_wake(lambda: heard.append("woken"))]
    reacts(ignore)
    try:
        boil()
    finally:
        for end in ends:
            end()
    by_itself = connection.vendor == "sqlite"  # on PostgreSQL whoever listens has a connection of its own
    assert heard == (["told", "woken"] if by_itself else ["woken"])
