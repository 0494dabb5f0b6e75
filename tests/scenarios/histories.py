"""Small stories that a client and raglan live through together; they can be cut off anywhere and gone on with."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from raglan.alerts.ports import SourceKey
from raglan.core import timers
from raglan.core.clock import CLOCK
from raglan.core.db import fault_point
from raglan.core.faults import Crash
from raglan.paging import actions as paging
from raglan.paging import claimed, ports
from raglan.paging.actions import known
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


class Story:
    """A client's list of things to do. What was answered is done; what was cut off is asked again.

    It is prepared once, and can be told again and again: each telling leaves nothing behind in the database.
    """

    def __init__(self, prepare: Callable[["Story"], None]) -> None:
        self.name = prepare.__name__
        self.plot: list[Callable[[], object]] = []
        self.refusals: list[tuple[str, bool, int]] = []
        self.outbox = CrashingOutbox()
        prepare(self)

    @contextmanager
    def told(self) -> Iterator[None]:
        """Begin anew; take everything back afterwards."""
        with world.outbox(CrashingOutbox()) as box, transaction.atomic():
            self.outbox, self._todo = box, list(self.plot)
            for address, permanent, times in self.refusals:
                box.refuse(address, permanent=permanent, times=times)
            yield
            transaction.set_rollback(True)

    def go_on(self) -> None:
        """Do what is left to do."""
        while self._todo:
            self._todo[0]()
            self._todo.pop(0)


class Engine:
    """One that begins with what is claimed where it is written; what it was given dies with the process."""

    def __init__(self) -> None:
        self.is_working = True
        self.room = 16
        self.given: list[Sequence[timers.Due]] = []

    def take(self, dues: Sequence[timers.Due]) -> None:
        """Keep it for `go`."""
        self.given.append(dues)

    def go(self) -> None:
        """Do what follows a commit, then what was given, as its threads would."""
        for _, after_commit, _ in self._forget_callbacks():
            after_commit()
        while self.given:
            for due in timers.fire_together(self.given.pop(0)):
                timers.fire(due)

    def die(self) -> None:
        """Forget all that a process remembers."""
        self._forget_callbacks()
        self.given.clear()
        claimed.forget()
        known.forget()

    @staticmethod
    def _forget_callbacks() -> list[Any]:
        callbacks, connection.run_on_commit = connection.run_on_commit, []
        return callbacks


class ServedStory(Story):
    """The same where an engine runs beside the intake, so that messages are claimed by the commit of their alert."""

    @contextmanager
    def told(self) -> Iterator[None]:
        self.engine = Engine()
        end = timers.on_claimed(self.engine)
        try:
            with super().told():
                self.engine.die()  # what came before this telling
                yield
                self.engine.die()
        finally:
            end()

    def go_on(self) -> None:
        while self._todo:
            self._todo[0]()
            self.engine.go()
            self._todo.pop(0)


def alert_comes(story: Story, *steps: tuple[int, list[Person]], repeat: int = 0) -> SourceKey:
    """A source reports once and asks again until it is answered; then time passes."""
    policy = world.policy(*steps, repeat=repeat)
    source = world.source()
    world.alerts.save_route(position=1, matchers=[], group_by=[], policy=policy, actor="raglan")
    story.plot += [lambda: world.ingest(source, world.signal()), passes(90)]
    return source


def the_page() -> Page:
    return Page.objects.get()


def answers(person: Person) -> Callable[[], object]:
    return lambda: paging.acknowledge(the_page(), by=person, via=paging.Via.LINK)


def passes(seconds: float) -> Callable[[], object]:
    return lambda: world.fast_forward(timedelta(seconds=seconds))


def nobody_answers(story: Story) -> None:
    alert_comes(story, (300, [world.person("Mara Keller")]), repeat=1)
    story.plot.append(passes(900))


def two_ways_and_an_answer(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    both_ways(mara)
    alert_comes(story, (300, [mara]), (300, [bo]))
    story.plot += [answers(mara), passes(1200)]


def first_way_fails_for_now(story: Story) -> None:
    mara = world.person("Mara Keller")
    both_ways(mara)
    story.refusals.append((world.mail_of(mara).address, False, 2))
    alert_comes(story, (300, [mara]))
    story.plot += [answers(mara), passes(600)]


def first_way_fails_for_good(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    both_ways(mara)
    for contact in mara.contact_methods.all():
        story.refusals.append((contact.address, True, 9))
    alert_comes(story, (300, [mara]), (300, [bo]))
    story.plot += [answers(bo), passes(600)]


def passed_on(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    alert_comes(story, (300, [mara]), (300, [bo]))
    story.plot += [
        lambda: paging.pass_on(the_page(), by=mara, via=paging.Via.LINK),
        passes(60),
        answers(bo),
        passes(600),
    ]


def a_team_of_three(story: Story) -> None:
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")]
    alert_comes(story, (120, people))
    story.plot += [answers(people[1]), passes(300)]


def it_resolves(story: Story) -> None:
    source = alert_comes(story, (300, [world.person("Mara Keller")]), (300, [world.person("Bo Silva")]))
    over = world.signal("resolved")
    story.plot += [lambda: world.ingest(source, over), passes(900)]


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


def lived_until_a_crash(story: Story) -> None:
    """Live on until the process dies or nothing is left to do."""
    with suppress(Crash):
        story.go_on()
    if isinstance(story, ServedStory):
        story.engine.die()


def wait_for_leases() -> None:
    """Another node goes on: it may only take over what a lease has given free."""
    CLOCK.move(timedelta(seconds=21))
