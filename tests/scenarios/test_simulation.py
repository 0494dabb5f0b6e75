"""Seeded simulation: three nodes, one clock, a client, and at every fault point whatever the seed says.

A node may die there, stall for longer than a lease, or be overtaken by another node that claims and fires meanwhile.
The same seed lives through the same history; a failure names it. `RAGLAN_TEST_SEEDS` says how many are tried.

The planted mistakes test the simulation itself: each has to be found.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import Q

from raglan.config import config
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic, in_write
from raglan.core.faults import Crash, at_each
from raglan.paging import actions as paging
from raglan.paging import delivery, ports, wording
from raglan.paging.models import Notification
from raglan.testing import world
from tests.scenarios.histories import STORIES, Story
from tests.scenarios.test_crash_points import Way, mark_then_send, problems, send_without_claiming, ways

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.timeout(900)]
SEEDS = int(os.environ.get("RAGLAN_TEST_SEEDS", "12"))
CRASH, OVERTAKE, STALL = 0.02, 0.10, 0.02
DEEPEST = 3
MOST_CRASHES = 4
MOST_TELLINGS = 50


class Chaos:
    """What the seed lets happen at each fault point."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._depth = 0
        self.disturbances = 0

    def happens(self, name: str) -> None:
        """Die, stall, or let another node work; inside a transaction only the first is possible."""
        roll = self._chance.random()
        if roll < CRASH and self.disturbances < MOST_CRASHES:
            self.disturbances += 1
            raise Crash(name)
        if in_write() or self._depth >= DEEPEST:
            return
        if roll < CRASH + OVERTAKE:
            self._another_node()
        elif roll < CRASH + OVERTAKE + STALL and self.disturbances < MOST_CRASHES:
            self.disturbances += 1
            CLOCK.move(timedelta(seconds=self._chance.choice((1, 19, 21, 45))))

    def _another_node(self) -> None:
        self._depth += 1
        try:
            with suppress(Crash):
                for due in timers.claim(self._chance.choice((1, 2))):
                    world._fire(due)
        finally:
            self._depth -= 1


def lived(story: Story, seed: int, wanted: Counter[Way]) -> list[str]:
    """Live through one history; return what is wrong at its end."""
    chaos = Chaos(seed)
    with story.told():
        with at_each(chaos.happens):
            for _ in range(MOST_TELLINGS):
                with suppress(Crash):
                    story.go_on()
                    break
        CLOCK.move(timedelta(seconds=61))  # what was cut off at the end is gone on with
        world.fast_forward(timedelta(seconds=900))
        for way in needless():
            wanted = Counter({other: number for other, number in wanted.items() if other != way})
        return problems(story, wanted, crashes=chaos.disturbances)


def needless() -> list[Way]:
    """Ways that an answer made needless, or that were tried as often as they may be: a cut-off try counts."""
    cancelled = Q(state=Notification.State.CANCELLED)
    spent = Q(state=Notification.State.FAILED, attempts__gt=len(delivery.RETRIES))
    return list(Notification.objects.filter(cancelled | spent).values_list("person__name", "channel"))


def first_failure(story: Story, seeds: int) -> tuple[int, list[str]] | None:
    """Return the first seed whose history goes wrong."""
    with story.told():
        story.go_on()
        wanted = ways(story)
    for seed in range(seeds):
        if wrong := lived(story, seed, wanted):
            return seed, wrong
    return None


@pytest.mark.parametrize("prepare", STORIES, ids=lambda prepare: prepare.__name__)
def test_no_seed_loses_a_page_or_repeats_one_in_silence(prepare: Callable[[Story], None]) -> None:
    assert first_failure(Story(prepare), SEEDS) is None


def test_the_same_seed_lives_the_same_history() -> None:
    story = Story(STORIES[1])

    def sent(seed: int) -> list[tuple[str, bool]]:
        with story.told(), at_each(Chaos(seed).happens):
            for _ in range(MOST_TELLINGS):
                with suppress(Crash):
                    story.go_on()
                    break
            return [(item.kind, item.message.may_repeat) for item in story.outbox.sent]

    assert [sent(seed) for seed in range(8)] == [sent(seed) for seed in range(8)]


def a_key_for_each_try(due: timers.Due) -> None:
    """A mistake: a new key on retry, so that no provider can tell a repeat."""
    Notification.objects.filter(pk=due.subject_id).update(key=f"{due.subject}:{now().timestamp()}")
    delivery.deliver(due)


def give_up_what_was_cut_off(due: timers.Due) -> None:
    """A mistake: what was being sent when a node died counts as failed."""
    with atomic():
        found = Notification.objects.select_related("page", "person", "reached").get(pk=due.subject_id)
        if found.state != Notification.State.WAITING:
            Notification.objects.filter(pk=found.pk, state="sending").update(state=Notification.State.FAILED)
            return
        Notification.objects.filter(pk=found.pk).update(state=Notification.State.SENDING)
    ports.channel(found.channel).send(found.address, wording.message_of(found))
    Notification.objects.filter(pk=found.pk).update(state=Notification.State.HANDED_OVER)


@pytest.mark.parametrize(
    ("mistake", "seen"),
    [(mark_then_send, "lost"), (send_without_claiming, "unmarked"), (give_up_what_was_cut_off, "lost")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_planted_mistake_in_the_protocol_is_found(
    monkeypatch: pytest.MonkeyPatch, mistake: Callable[[timers.Due], None], seen: str
) -> None:
    monkeypatch.setitem(timers.HANDLERS, paging.DELIVER, replace(timers.HANDLERS[paging.DELIVER], function=mistake))

    failure = first_failure(Story(STORIES[0]), 400)

    assert failure is not None
    assert any(seen in words for words in failure[1])


def test_a_lease_shorter_than_a_send_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody dies and nothing stalls, no message may go out twice, however often others come in between."""
    for name, chance in (("CRASH", 0.0), ("STALL", 0.0), ("OVERTAKE", 0.3)):
        monkeypatch.setitem(globals(), name, chance)
    assert first_failure(Story(STORIES[0]), 12) is None

    monkeypatch.setattr(config(), "lease_s", 0.0)

    failure = first_failure(Story(STORIES[0]), 12)
    assert failure is not None
    assert any("went out" in words for words in failure[1])


def test_a_key_for_each_try_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(timers.HANDLERS[paging.DELIVER], function=a_key_for_each_try)
    monkeypatch.setitem(timers.HANDLERS, paging.DELIVER, entry)
    story, found = Story(STORIES[0]), False
    for seed in range(400):
        with story.told(), at_each(Chaos(seed).happens):
            for _ in range(MOST_TELLINGS):
                with suppress(Crash):
                    story.go_on()
                    break
            keys = {item.message.key for item in story.outbox.sent}
            found = found or len(keys) > len({key.partition(":")[2].partition(":")[0] for key in keys})
        if found:
            break

    assert found
