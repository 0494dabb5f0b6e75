# ruff: noqa: PT012 -- what must fail is a whole transaction

from collections.abc import Iterator, Sequence

import pytest
from django.db import connection

from raglan.core import bus, timeline
from raglan.core.db import atomic
from tests.core.test_timeline import KettleBoiled

Heard = list[tuple[list[str], int]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What a listener hears."""
    messages: Heard = []

    def listen(names: Sequence[str], event_id: int) -> None:
        if connection.in_atomic_block:
            raise AssertionError("told before the commit")
        messages.append((list(names), event_id))

    unsubscribe = bus.subscribe(listen)
    yield messages
    unsubscribe()


@pytest.mark.django_db(transaction=True)
def test_names_are_told_after_the_commit(heard: Heard) -> None:
    if connection.vendor == "postgresql":
        return  # there they go by NOTIFY, and come back by the connection that listens
    with atomic():
        event = timeline.append(KettleBoiled(litres=1), about=["kettle:1", "now"])
        assert heard == []

    assert heard == [(["kettle:1", "now"], event.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_is_told_to_nobody(heard: Heard) -> None:
    with pytest.raises(RuntimeError), atomic():
        timeline.append(KettleBoiled(litres=1), about=["kettle:1"])
        raise RuntimeError

    assert heard == []


def test_whoever_unsubscribed_hears_nothing_more(heard: Heard) -> None:
    other: list[int] = []
    unsubscribe = bus.subscribe(lambda names, event_id: other.append(event_id))
    bus.deliver(["now"], 1)
    unsubscribe()
    bus.deliver(["now"], 2)

    assert other == [1]
    assert [event_id for _, event_id in heard] == [1, 2]


def test_a_listener_that_fails_does_not_keep_the_news_from_the_others(heard: Heard) -> None:
    def fails(names: Sequence[str], event_id: int) -> None:
        raise RuntimeError("the loop is closed")

    unsubscribe = bus.subscribe(fails)
    bus.deliver(["now"], 1)
    unsubscribe()

    assert heard == [(["now"], 1)]


@pytest.mark.django_db(transaction=True)
def test_on_postgresql_the_message_says_everything_when_it_would_be_too_long() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {bus.CHANNEL}")
    bus.publish(["incident:1"], 7)
    bus.publish([f"alert:{number}" for number in range(1000)], 8)
    got = [bus.parse(note.payload) for note in connection.connection.notifies(timeout=30, stop_after=2)]

    assert got == [(["incident:1"], 7), (["*"], 8)]
