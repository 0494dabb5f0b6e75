"""Every place at which the process can die: nothing is lost, and at most one copy more goes out, marked."""

from collections import Counter
from collections.abc import Callable
from itertools import cycle

import pytest

from raglan.core import timers
from raglan.core.db import atomic
from raglan.core.faults import crash_at, record
from raglan.core.models import Event
from raglan.paging import actions as paging
from raglan.paging import claimed, handing, ports, wording
from raglan.paging.models import Notification, Page
from tests.scenarios.histories import STORIES, ServedStory, Story, it_resolves, lived_until_a_crash, wait_for_leases
from tests.support.share import is_second_run, places

Way = tuple[str, str]
Prepare = Callable[[Story], None]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@pytest.fixture(params=(Story, ServedStory), ids=("alone", "served"))
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Story]:
    """With and without an engine that has what is claimed by the commit of its alert."""
    monkeypatch.setattr(handing, "LONGEST_S", 3600.0)  # no other thread, however busy the machine is
    monkeypatch.setattr(claimed, "FRESH_S", 3600.0)
    return request.param


@pytest.fixture(params=STORIES, ids=lambda prepare: prepare.__name__)
def story(kind: type[Story], request: pytest.FixtureRequest) -> Story:
    return kind(request.param)


def ways(story: Story) -> Counter[Way]:
    """Count what was handed over, by person and kind of channel."""
    return Counter((item.message.person_name, item.kind) for item in story.outbox.sent)


def without_a_crash(story: Story) -> tuple[list[str], Counter[Way]]:
    """Return the fault points of a story, and to whom it hands messages."""
    with story.told(), record() as names:
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


def test_without_a_crash_nothing_is_sent_twice(story: Story) -> None:
    with story.told():
        story.go_on()

        assert problems(story, Counter(), crashes=0) == []
        assert not any(item.message.may_repeat for item in story.outbox.sent)


def test_whatever_the_place_of_a_crash_no_page_is_lost(story: Story) -> None:
    assert wrong_histories(story) == {}


def wrong_histories(story: Story) -> dict[str, list[str]]:
    """Die at every place in turn, start again, and return what went wrong where; see `places` for PostgreSQL."""
    names, wanted = without_a_crash(story)
    restarts = cycle((timers.release, wait_for_leases))
    found: dict[str, list[str]] = {}
    for k, name in places(names):
        with story.told():
            with crash_at(k) as plan:
                lived_until_a_crash(story)
            assert plan.struck
            next(restarts)()
            story.go_on()
            if wrong := problems(story, wanted, crashes=1):
                found[f"{k} {name}"] = wrong
    return found


def test_two_crashes_lose_no_page_either(story: Story) -> None:
    names, wanted = without_a_crash(story)
    found: dict[str, list[str]] = {}
    for k, j in zip(
        range(1, len(names) + 1, 12 if is_second_run() else 4), cycle((1, 2, 3, 5, 8, 13, 21)), strict=False
    ):
        with story.told():
            for place in (k, j):
                with crash_at(place):
                    lived_until_a_crash(story)
                timers.release()
            story.go_on()
            if wrong := problems(story, wanted, crashes=2):
                found[f"{k}, then {j}"] = wrong

    assert found == {}


def mark_then_send(due: timers.Due) -> None:
    """The wrong way round, for the control: what is written down first and sent later is lost in between."""
    with atomic():
        notification = Notification.objects.select_related("page", "person", "reached").get(pk=due.subject_id)
        if notification.state != Notification.State.WAITING:
            return
        Notification.objects.filter(pk=notification.pk).update(state=Notification.State.HANDED_OVER)
    ports.channel(notification.channel).send(notification.address, wording.message_of(notification))


def test_the_check_finds_what_a_wrong_protocol_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = timers.Handler(mark_then_send, network=True, on_parked=None)
    monkeypatch.setitem(timers.HANDLERS, paging.DELIVER, wrong)

    found = wrong_histories(Story(it_resolves))

    assert any("lost" in problem for problems_of_one in found.values() for problem in problems_of_one)


def send_without_claiming(due: timers.Due) -> None:
    """Another wrong one: nobody can tell a first try from a second."""
    notification = Notification.objects.select_related("page", "person", "reached").get(pk=due.subject_id)
    ports.channel(notification.channel).send(notification.address, wording.message_of(notification))
    Notification.objects.filter(pk=notification.pk).update(state=Notification.State.HANDED_OVER)


def test_the_check_finds_a_repeat_without_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = timers.Handler(send_without_claiming, network=True, on_parked=None)
    monkeypatch.setitem(timers.HANDLERS, paging.DELIVER, wrong)

    found = wrong_histories(Story(it_resolves))

    assert any("unmarked" in problem for problems_of_one in found.values() for problem in problems_of_one)
