"""Steps that many pages take at once leave behind what each would leave behind alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from raglan.core import clock, timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic
from raglan.core.models import Timer
from raglan.paging import actions
from raglan.paging.hours import Hours
from raglan.paging.models import Notification, NotificationRule, Page, Policy
from raglan.paging.plan import EarlierSteps, Target, Urgency, WhenNobody
from raglan.people.models import ContactMethod
from raglan.testing import world

HOOK = "https://hooks.example.test/steps"
AT = ("at", "due_at", "next_step_at", "reached_at", "found_at", "planned_at", "until")


def claimed() -> list[timers.Due]:
    found = timers.by_kind(timers.claim(200, pool=Timer.Pool.WORK, together=True))
    for due in found.pop(timeline.REACT_IF_NEEDED, []):
        timers.fire(due)
    assert set(found) <= {actions.ESCALATE}
    return found.get(actions.ESCALATE, [])


def alone(dues: list[timers.Due]) -> None:
    for due in dues:
        timers.fire(due)


def together(dues: list[timers.Due]) -> None:
    for due in timers.fire_together(dues):
        timers.fire(due)


def left_behind(page: Page) -> dict[str, object]:
    """All that a step writes, without keys and to the second: two ways of writing it are compared."""
    page.refresh_from_db()
    rows = page.reached.order_by("pk").values_list("person__name", "round", "step", "why", "answer", "is_added")
    sent = Notification.objects.filter(page=page).order_by("pk")
    planned = Timer.objects.filter(subject__in=[f"page:{page.pk}", *(f"notification:{one.pk}" for one in sent)])
    return {
        "page": (page.state, page.round, page.step, seconds(page.next_step_at), seconds(page.held_since)),
        "reached": list(rows),
        "sent": [
            (one.key.partition(":")[2], one.channel, one.address, one.state, seconds(one.due_at), one.attempts)
            for one in sent
        ],
        "timers": sorted((one.kind, seconds(one.due_at), one.pool, one.lane) for one in planned),
        "events": [(event.kind, without_keys(event.data), of_people(event.subjects)) for event in timeline.about(page)],
    }


def seconds(at: object) -> object:
    return round((at - now()).total_seconds()) if hasattr(at, "tzinfo") else at


def of_people(subjects: tuple[str, ...]) -> list[str]:
    return [name for name in subjects if not name.startswith("page:")]


def without_keys(data: dict[str, object]) -> dict[str, object]:
    """What an event says, without keys and times; of messages it is known how many, and by which ways."""
    names = (*AT, "page", "reached", "started_at", "held_since", "title", "call", "key", "notifications", "ways")
    kept = {name: value for name, value in data.items() if name not in names}
    ways, stopped = data.get("ways"), data.get("notifications")
    kept["ways"] = [(way["contact"], way["channel"]) for way in ways] if isinstance(ways, list) else None
    return {**kept, "stopped": len(stopped) if isinstance(stopped, list) else 0}


def policies() -> list[Policy]:
    """What is plain and what is not: people, rotas, teams, nobody, no way, programs, stops, daylight."""
    mara, bo, mute = world.person("Mara Keller"), world.person("Bo Silva"), world.person("Noor Haddad")
    second = world.way(bo, ContactMethod.Kind.EMAIL)
    NotificationRule.objects.create(person=bo, contact=second, delay_s=0, position=0, urgency="high")
    NotificationRule.objects.create(person=bo, contact=world.mail_of(bo), delay_s=90, position=1, urgency="high")
    ContactMethod.objects.filter(person=mute).delete()
    rota, empty, team = world.schedule(mara), world.schedule(), world.team(mara, bo)
    stops = actions.Choices(earlier_steps=EarlierSteps.STOP)
    called = actions.StepDraft(60, (world.target(mara), Target("webhook", 0, HOOK)))
    return [
        world.policy((60, [mara]), (120, [bo])),
        world.policy((60, [rota, team, bo]), (60, [mara]), repeat=1),
        world.policy((60, [team]), (60, [rota]), choices=stops),
        world.policy((60, [empty]), (60, [bo]), choices=actions.Choices(when_nobody=WhenNobody.HOLD)),
        world.policy((60, [empty]), (60, [bo])),
        world.policy((60, [mute]), (60, [mara])),
        world.policy((60, [mute, mara]), (60, [bo])),
        world.policy_of(called),
        world.policy((60, [mara]), choices=actions.Choices(urgency="low", hours=Hours("Europe/Berlin"))),
    ]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes only where a test moves it."""
    at = clock.passed()
    monkeypatch.setattr(clock, "passed", lambda: at)


@contextmanager
def standing_still() -> Iterator[None]:
    """Nothing of this is kept: the same keys and the same moment come again."""
    with atomic():
        yield
        raise _Over


class _Over(Exception):
    pass


def story(policy: Policy, take: Callable[[list[timers.Due]], None], moves: list[str]) -> list[dict[str, object]]:
    """Two pages to a policy go through some moves; return what is left behind after each."""
    pages = [actions.start(policy, actions.Words("Apache"), reason=actions.Reason()) for _ in range(2)]
    found: list[dict[str, object]] = []
    for move in moves:
        if move == "answer":
            first = pages[0].reached.order_by("pk").first()
            if first is not None and actions.OPEN.count(Page.objects.get(pk=pages[0].pk).state):
                actions.pass_on(Page.objects.get(pk=pages[0].pk), by=first.person, via=actions.Via.LINK)
        else:
            CLOCK.move(timedelta(seconds=130 if move == "late" else 61))
        while dues := claimed():
            take(dues)
        found += [left_behind(page) for page in pages]
    return found


@pytest.mark.django_db
@pytest.mark.one_database
@settings(
    max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(moves=some.lists(some.sampled_from(["wait", "late", "answer"]), min_size=1, max_size=4))
def test_many_steps_at_once_leave_what_each_leaves_alone(outbox: world.Outbox, moves: list[str]) -> None:
    for policy in policies():
        found = []
        for take in (alone, together):
            moved = CLOCK.moved
            try:
                with standing_still():
                    found.append(story(policy, take, moves))
            except _Over:
                CLOCK.move(moved - CLOCK.moved)
        assert found[0] == found[1]


@pytest.mark.django_db
def test_what_is_plain_is_done_with_few_statements(
    outbox: world.Outbox, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    policy = world.policy((60, [world.schedule(world.person("Mara Keller"))]))
    for _ in range(40):
        actions.start(policy, actions.Words("Apache"), reason=actions.Reason())
    dues = claimed()

    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]  # less than one for each page
        assert timers.fire_together(dues) == []

    assert Notification.objects.count() == 40


@pytest.mark.django_db
def test_a_page_that_was_answered_meanwhile_asks_nobody(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    pages = [actions.start(world.policy((60, [mara])), actions.Words("Apache"), reason=actions.Reason()) for _ in "ab"]

    def take(some: Sequence[timers.Due]) -> Sequence[timers.Due]:
        actions.acknowledge(pages[0], by=mara, via=actions.Via.SCREEN)
        return some

    actions.escalate_many(claimed(), take, leave=lambda page: False)

    assert set(Notification.objects.values_list("page_id", flat=True)) == {pages[1].pk}


@pytest.mark.django_db
def test_one_that_raises_leaves_the_others_to_be_done_alone(
    outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = world.policy((60, [world.person("Mara Keller")]))
    for _ in range(3):
        actions.start(policy, actions.Words("Apache"), reason=actions.Reason())
    dues, numbers = claimed(), count()

    def broken(*_: object, **__: object) -> None:
        if next(numbers) == 0:
            raise ValueError("once")

    monkeypatch.setattr("raglan.paging.actions.many.timeline.append_many", broken)

    left = timers.fire_together(dues)

    assert left == dues
    assert not Notification.objects.exists()
    assert Urgency.HIGH in {page.urgency for page in Page.objects.all()}
