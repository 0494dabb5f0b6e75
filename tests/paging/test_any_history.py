"""No escalation stops by itself and nobody is paged twice for one step, after any history of pages and answers."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.errors import RaglanError
from raglan.core.faults import Crash, crash_at
from raglan.core.models import Timer
from raglan.paging import actions, audit, returning
from raglan.paging.hours import Hours
from raglan.paging.models import Notification, Page
from raglan.paging.plan import Acknowledge, EarlierSteps, WhenNobody
from raglan.people.models import Person
from raglan.testing import world
from tests.support.share import examples

VERBS = ("start", "have", "join", "pass", "snooze", "give back", "hand on", "add", "over", "refuse", "cover", "urgent")
what = some.sampled_from((*VERBS, "crash"))
UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
steps = some.tuples(what, some.integers(0, 2), some.integers(0, 40))
choices = some.builds(
    actions.Choices,
    when_nobody=some.sampled_from(WhenNobody),
    earlier_steps=some.sampled_from(EarlierSteps),
    urgency=some.sampled_from(("high", "severity")),
    hours=some.just(Hours("Europe/Berlin")),
    forgotten_after_s=some.sampled_from((0, 600, 43_200)),
)


class History:
    """Three people, a rota with a gap, and whatever has become of the pages."""

    def __init__(self, box: world.Outbox, decided: actions.Choices, wanted: Acknowledge) -> None:
        self.box = box
        self.ada = world.administrator()
        self.people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")]
        for person in self.people[:2]:
            rules = [(world.mail_of(person).pk, 0), (world.way(person, "webhook").pk, 240)]
            actions.set_rules(person, rules, by=person)
        self.rota = world.schedule()
        first = actions.StepDraft(300, tuple(world.target(person) for person in self.people[:2]), wanted)
        second = actions.StepDraft(180, (world.target(self.rota),))
        self.policy = world.policy_of(first, second, repeat=1, choices=decided)
        self.forgotten = decided.forgotten_after_s

    def step(self, verb: str, who: int, minutes: int) -> None:
        page = Page.objects.filter(reason_type="hand").exclude(state=Page.State.RESOLVED).order_by("-pk").first()
        try:
            if page is None or verb in ("start", "refuse", "cover", "crash"):
                self.act(verb, self.people[who])
            else:
                self.answer(verb, page, self.people[who])
        except RaglanError:
            pass  # a clear refusal changes nothing
        world.fast_forward(timedelta(minutes=minutes))

    def act(self, verb: str, who: Person) -> None:
        match verb:
            case "refuse":
                self.box.refuse(world.mail_of(who).address, permanent=True)
            case "cover":
                world.cover(self.rota, who, hours=1)
            case "crash":
                with crash_at(2, name="deliver.sent"):
                    try:
                        world.page(self.policy)
                    except Crash:
                        timers.release()
            case _:
                severity = "warning" if verb == "have" else "critical"
                words = actions.Words(verb, severity=severity)
                actions.start(self.policy, words, reason=actions.Reason())

    def answer(self, verb: str, page: Page, who: Person) -> None:
        verbs: dict[str, Callable[[], object]] = {
            "have": lambda: actions.acknowledge(page, by=who, via=actions.Via.LINK),
            "join": lambda: actions.join(page, by=who, via=actions.Via.LINK),
            "pass": lambda: actions.pass_on(page, by=who, via=actions.Via.LINK),
            "snooze": lambda: returning.snooze(page, until=now() + timedelta(minutes=20), by=who, via=actions.Via.LINK),
            "give back": lambda: returning.give_back(page, by=who),
            "hand on": lambda: returning.hand_on(page, to=who, by=self.ada),
            "add": lambda: returning.add_people(page, [who], by=self.ada),
            "over": lambda: actions.resolve(page, why="over"),
            "urgent": lambda: actions.raise_urgency(page, severity="critical"),
        }
        verbs[verb]()

    def check(self) -> None:
        for page in Page.objects.filter(is_test=False):
            live = Timer.objects.filter(subject=timeline.ref(page), parked_at__isnull=True)
            moving = live.filter(kind=actions.ESCALATE).count()
            assert moving == (page.state == Page.State.TRIGGERED), f"page {page.pk} is {page.state}, {moving} timers"
            if page.state == Page.State.TRIGGERED:
                assert page.next_step_at is not None
                assert live.get(kind=actions.ESCALATE).due_at == page.next_step_at
            if page.snoozed_until is not None:
                assert live.filter(kind=actions.BACK, due_at=page.snoozed_until).exists()
        assert audit.repair() == 0
        copies = Counter(item.message.key for item in self.box.sent)
        repeated = {key for key, number in copies.items() if number > 1}
        assert all(item.message.may_repeat for item in self.latest(repeated))
        over = Notification.objects.filter(page__state=Page.State.RESOLVED, state=Notification.State.WAITING)
        assert not over.exists()

    def latest(self, keys: set[str]) -> list[world.Sent]:
        return [
            max((item for item in self.box.sent if item.message.key == key), key=lambda item: item.at) for key in keys
        ]


@pytest.mark.timeout(900)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=UNHURRIED)
@given(history=some.lists(steps, max_size=12), decided=choices, wanted=some.sampled_from(Acknowledge))
def test_after_any_history_each_open_page_has_one_timer_and_no_step_pages_twice(
    outbox: world.Outbox, history: list[tuple[str, int, int]], decided: actions.Choices, wanted: Acknowledge
) -> None:
    moved = CLOCK.moved
    with transaction.atomic(), world.outbox(world.Outbox()) as box:
        lived = History(box, decided, wanted)
        for step in history:
            lived.step(*step)
            lived.check()
        transaction.set_rollback(True)
    CLOCK.move(moved - CLOCK.moved)


def test_the_check_finds_a_page_whose_timer_was_lost(outbox: world.Outbox) -> None:
    lived = History(outbox, actions.Choices(), Acknowledge.ANYONE)
    lived.step("start", 0, 0)
    Timer.objects.filter(kind=actions.ESCALATE).delete()

    with pytest.raises(AssertionError, match="0 timers"):
        lived.check()
