"""Every place at which the process can die, over several stories: nothing is lost, and at most one copy more goes out, marked."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from raglan.core import timers
from raglan.core.faults import crash_at, record
from raglan.core.models import Event
from raglan.paging.models import Notification, Page
from raglan.testing import world
from tests.scenarios.histories import STORIES, CrashingOutbox, Story, cut, wait_for_leases

RESTARTS = (timers.release, wait_for_leases)
Teller = Callable[[Story], None]
pytestmark = pytest.mark.django_db


@contextmanager
def beginning(tell: Teller) -> Iterator[Story]:
    """A story whose traces in the database are gone afterwards."""
    with world.outbox() as box, transaction.atomic():
        box.__class__ = CrashingOutbox
        story = Story(box)
        tell(story)
        yield story
        transaction.set_rollback(True)


Way = tuple[str, str]


def ways(story: Story) -> Counter[Way]:
    """Count what was handed over, by person and kind of channel."""
    return Counter((item.message.person_name, item.kind) for item in story.outbox.sent)


def without_a_crash(tell: Teller) -> tuple[list[str], Counter[Way]]:
    """Return the fault points of a story, and to whom it hands messages."""
    with beginning(tell) as story, record() as names:
        story.go_on()
        return list(names), ways(story)


def problems(story: Story, wanted: Counter[Way], crashes: int) -> list[str]:
    """Say what went wrong: lost, repeated too often, or repeated without a word about it."""
    got = ways(story)
    copies = Counter(item.message.key for item in story.outbox.sent)
    unmarked = Counter(item.message.key for item in story.outbox.sent if not item.message.may_repeat)
    found = [f"lost {way}" for way, number in wanted.items() if got[way] < number]
    found += [f"{key} went out {number} times" for key, number in copies.items() if number > 1 + crashes]
    found += [f"{key} was repeated unmarked" for key, number in unmarked.items() if number > 1]
    found += [f"{Page.objects.count()} pages"] if Page.objects.count() != 1 else []
    found += ["left unsent"] if Notification.objects.filter(state__in=("waiting", "sending")).exists() else []
    taken = Event.objects.filter(kind="page.acknowledged").count()
    return found + (["acknowledged twice"] if taken > 1 else [])


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_without_a_crash_nothing_is_sent_twice(tell: Teller) -> None:
    with beginning(tell) as story:
        story.go_on()

        assert problems(story, Counter(), crashes=0) == []
        assert not any(item.message.may_repeat for item in story.outbox.sent)


@pytest.mark.parametrize("restart", RESTARTS, ids=lambda restart: restart.__name__)
@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_whatever_the_place_of_a_crash_no_page_is_lost(tell: Teller, restart: Callable[[], object]) -> None:
    names, wanted = without_a_crash(tell)
    found: dict[str, list[str]] = {}
    for k, name in enumerate(names, start=1):
        with beginning(tell) as story:
            with crash_at(k) as plan:
                cut(story, lambda: None)
            assert plan.struck
            restart()
            story.go_on()
            if wrong := problems(story, wanted, crashes=1):
                found[f"{k} {name}"] = wrong

    assert found == {}


@pytest.mark.parametrize("tell", STORIES[:3], ids=lambda tell: tell.__name__)
def test_two_crashes_lose_no_page_either(tell: Teller) -> None:
    names, wanted = without_a_crash(tell)
    found: dict[str, list[str]] = {}
    for k in range(1, len(names) + 1, 5):
        for j in (1, 2, 3, 5, 8, 13):
            with beginning(tell) as story:
                for place in (k, j):
                    with crash_at(place):
                        cut(story, lambda: None)
                    timers.release()
                story.go_on()
                if wrong := problems(story, wanted, crashes=2):
                    found[f"{k}, then {j}"] = wrong

    assert found == {}
