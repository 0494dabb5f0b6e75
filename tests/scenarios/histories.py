"""Small stories that a client and raglan live through together, told so that they can be cut off anywhere and gone on with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from raglan.core.clock import CLOCK
from raglan.core.db import fault_point
from raglan.core.faults import Crash
from raglan.paging import actions as paging
from raglan.paging import ports
from raglan.paging.models import NotificationRule, Page
from raglan.people.models import Person
from raglan.testing import world


class CrashingOutbox(world.Outbox):
    """A provider with a place to die on either side of its taking a message."""

    def take(self, kind: str, address: str, message: ports.Message) -> ports.Receipt:
        fault_point("provider.before")
        receipt = super().take(kind, address, message)
        fault_point("provider.after")
        return receipt


@dataclass
class Story:
    """A client's list of things to do. What was answered is done; what was cut off is asked again."""

    outbox: world.Outbox
    todo: list[Callable[[], object]] = field(default_factory=list)

    def go_on(self) -> None:
        while self.todo:
            self.todo[0]()
            self.todo.pop(0)


def alert_comes(story: Story, *steps: tuple[int, list[Person]], repeat: int = 0) -> None:
    """A source reports once and asks again until it is answered; then time passes."""
    policy = world.policy(*steps, repeat=repeat)
    source = world.source()
    world.alerts.save_route(position=1, matchers=[], group_by=[], policy=policy, actor="raglan")
    story.todo += [lambda: world.ingest(source, world.signal()), lambda: world.fast_forward(timedelta(seconds=90))]
    story.source = source  # type: ignore[attr-defined]  # only two stories need it


def the_page() -> Page:
    return Page.objects.get()


def answers(person: Person) -> Callable[[], object]:
    return lambda: paging.acknowledge(the_page(), by=person, via=paging.Via.LINK)


def passes(seconds: float) -> Callable[[], object]:
    return lambda: world.fast_forward(timedelta(seconds=seconds))


def nobody_answers(story: Story) -> None:
    alert_comes(story, (300, [world.person("Mara Keller")]), (300, [world.person("Bo Silva")]), repeat=1)
    story.todo.append(passes(1800))


def two_ways_and_an_answer(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    both_ways(mara)
    alert_comes(story, (300, [mara]), (300, [bo]))
    story.todo += [answers(mara), passes(1200)]


def first_way_fails_for_now(story: Story) -> None:
    mara = world.person("Mara Keller")
    both_ways(mara)
    story.outbox.refuse(world.mail_of(mara).address, times=2)
    alert_comes(story, (300, [mara]))
    story.todo += [answers(mara), passes(600)]


def first_way_fails_for_good(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    both_ways(mara)
    for contact in mara.contact_methods.all():
        story.outbox.refuse(contact.address, permanent=True, times=9)
    alert_comes(story, (300, [mara]), (300, [bo]))
    story.todo += [answers(bo), passes(600)]


def passed_on(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    alert_comes(story, (300, [mara]), (300, [bo]))
    story.todo += [
        lambda: paging.pass_on(the_page(), by=mara, via=paging.Via.LINK),
        passes(60),
        answers(bo),
        passes(600),
    ]


def a_team_of_three(story: Story) -> None:
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")]
    alert_comes(story, (120, people))
    story.todo += [answers(people[1]), passes(300)]


def it_resolves(story: Story) -> None:
    alert_comes(story, (300, [world.person("Mara Keller")]), (300, [world.person("Bo Silva")]))
    over = world.signal("resolved")
    story.todo += [lambda: world.ingest(story.source, over), passes(900)]  # type: ignore[attr-defined]  # set above


def both_ways(person: Person) -> None:
    hook = world.way(person, "webhook")
    NotificationRule.objects.create(person=person, contact=world.mail_of(person), delay_s=0, position=0)
    NotificationRule.objects.create(person=person, contact=hook, delay_s=60, position=1)


STORIES = (
    nobody_answers,
    two_ways_and_an_answer,
    first_way_fails_for_now,
    first_way_fails_for_good,
    passed_on,
    a_team_of_three,
    it_resolves,
)


def cut(story: Story, plan: Callable[[], object]) -> None:
    """Live on until the process dies or nothing is left to do."""
    try:
        story.go_on()
    except Crash:
        plan()


def wait_for_leases() -> None:
    """Another node goes on: it may only take over what a lease has given free."""
    CLOCK.move(timedelta(seconds=21))
