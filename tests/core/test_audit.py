"""Whoever changes the record behind our back is found, and the first bad row is named."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from raglan.core import audit, timeline, timers
from raglan.core.clock import CLOCK
from raglan.core.engine import ClockJumped
from raglan.core.models import Event, EventSubject, Seal
from raglan.testing import world

pytestmark = pytest.mark.django_db


def happen(count: int = 1) -> list[int]:
    """Record so many events, and let them settle."""
    facts = [
        (ClockJumped(node="a", seconds=float(n), ahead_s=0.5), ["raglan:clock", f"thing:{n}"]) for n in range(count)
    ]
    made = [timeline.append(payload, about=about).pk for payload, about in facts]
    CLOCK.move(timedelta(minutes=3))
    return made


def by_hand(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.fixture
def made() -> list[int]:
    """Nine events under three seals."""
    found: list[int] = []
    for _ in range(3):
        found += happen(3)
        assert audit.seal() == 3
    return found


def test_a_record_that_nobody_touched_is_whole(made: list[int]) -> None:
    happen(2)

    verdict = audit.verify()

    assert (verdict.first_bad, verdict.events, verdict.seals, verdict.unsealed) == (None, 9, 3, 2)
    assert verdict.head == audit.head() != audit.START
    assert audit.knows(verdict.head)
    assert not audit.knows("f" * 64)


def change(made: list[int]) -> int:
    by_hand("UPDATE core_event SET actor = 'somebody else' WHERE id = %s", made[4])
    return made[4]


def change_what_it_is_about(made: list[int]) -> int:
    by_hand(
        "UPDATE core_eventsubject SET subject = 'thing:99' WHERE event_id = %s AND subject LIKE %s", made[4], "thing%"
    )
    return made[4]


def remove(made: list[int]) -> int:
    by_hand("DELETE FROM core_eventsubject WHERE event_id = %s", made[5])
    by_hand("DELETE FROM core_event WHERE id = %s", made[5])
    return made[5]


def insert(made: list[int]) -> int:
    EventSubject.objects.filter(event_id=made[6]).delete()
    free = made[6]
    by_hand("DELETE FROM core_event WHERE id = %s", free)
    Seal.objects.all().delete()
    while audit.seal():
        pass
    Event.objects.create(id=free, at=CLOCK.now() - timedelta(hours=1), kind="clock.jumped", actor="raglan", data={})
    return free


def reorder(made: list[int]) -> int:
    first, second = Event.objects.get(pk=made[2]), Event.objects.get(pk=made[7])
    for into, other in ((first, second.data), (second, first.data)):
        Event.objects.filter(pk=into.pk).update(data=other)
    return made[2]


@pytest.mark.parametrize("meddle", [change, change_what_it_is_about, remove, insert, reorder], ids=lambda f: f.__name__)
def test_the_first_bad_row_is_named(made: list[int], meddle: Callable[[list[int]], int]) -> None:
    bad = meddle(made)

    found = audit.verify().first_bad

    assert found is not None
    assert found.event == bad
    assert str(bad) in found.words


def test_a_seal_made_anew_over_a_changed_row_does_not_fit_the_next_one(made: list[int]) -> None:
    change(made)
    wrong = Seal.objects.order_by("pk")[1]
    body = b"".join(pk.to_bytes(8, "big") + digest for pk, digest in audit._digests(made[3:6]))
    Seal.objects.filter(pk=wrong.pk).update(digests=body)

    found = audit.verify().first_bad

    assert found is not None
    assert (found.event, found.seal) == (None, wrong.pk)


def test_a_whole_record_made_anew_does_not_have_the_head_that_left_the_machine(made: list[int]) -> None:
    outside = audit.head()
    change(made)
    Seal.objects.all().delete()
    while audit.seal():
        pass

    assert audit.verify().first_bad is None
    assert not audit.knows(outside)


def test_what_may_still_change_its_place_is_sealed_later() -> None:
    timeline.append(ClockJumped(node="a", seconds=1, ahead_s=1), about=["raglan:clock"])

    assert audit.seal() == 0
    CLOCK.move(timedelta(minutes=3))

    assert (audit.seal(), audit.seal()) == (1, 0)


def test_sealing_goes_on_by_itself() -> None:
    timers.schedule(audit.SEAL, subject="events", due_at=CLOCK.now())
    happen(2)

    world.fast_forward(timedelta(minutes=5))
    happen(1)
    world.fast_forward(timedelta(minutes=5))

    verdict = audit.verify()
    assert (verdict.events, verdict.unsealed, verdict.first_bad) == (3, 0, None)
