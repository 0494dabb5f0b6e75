"""Races, with their interleaving forced, on whichever database the suite runs."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection

from raglan.alerts.models import Alert, AlertGroup
from raglan.core import signs, timeline, timers
from raglan.core.clock import CLOCK
from raglan.core.db import atomic
from raglan.core.errors import Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.testing import world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def outbox(transactional_db: None) -> Iterator[world.Outbox]:
    """A provider in the place of every channel; it remembers what it took."""
    with world.outbox(world.Outbox()) as box:
        yield box


def together(*functions: Callable[[], object]) -> list[BaseException]:
    """Let threads begin at the same moment; return what they raised."""
    start, raised = threading.Barrier(len(functions)), list[BaseException]()

    def run(function: Callable[[], object]) -> None:
        start.wait()
        try:
            function()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return raised


def test_of_two_who_answer_at_once_one_has_it_and_the_other_hears_so(outbox: world.Outbox) -> None:
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva")]
    for _ in range(5):
        page = world.page(world.policy((300, people)))

        raised = together(*[lambda by=by, pk=page.pk: take(pk, by) for by in people])

        assert [type(error) for error in raised] == [paging.AlreadyTaken]
        taken = [event for event in timeline.about(page) if event.kind == "page.acknowledged"]
        assert len(taken) == 1


def test_of_two_who_see_the_same_thing_at_once_the_second_hears_what_the_first_said() -> None:
    for number in range(5):
        first, heard = list[str](), list[object]()

        raised = together(
            *[lambda by=by, name=f"seen:{number}", first=first, heard=heard: see(by, name, first, heard) for by in "ab"]
        )

        assert (raised, len(first), heard) == ([], 1, first * 2)


@atomic
def see(by: str, name: str, first: list[str], heard: list[object]) -> None:
    if signs.is_first(name):
        first.append(by)
        signs.note(name, said=by)
    seen = signs.last(name)
    heard.append(seen and seen.data["said"])


def take(page_id: int, by: world.Person) -> None:
    paging.acknowledge(Page.objects.get(pk=page_id), by=by, via=paging.Via.LINK)


def test_many_steps_due_in_one_second_are_each_taken_once_by_four_workers(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    policy = world.policy((60, [mara]), (600, [mara]))
    pages = [world.page(policy, f"page {number}") for number in range(15)]
    CLOCK.move(timedelta(seconds=61))

    raised = together(*[work] * 4)

    assert raised == []
    copies = Counter(item.message.key for item in outbox.sent)
    assert (len(copies), max(copies.values())) == (2 * len(pages), 1)


def work() -> None:
    while world.fire_all():
        pass


def test_an_answer_and_the_next_step_at_once_end_one_way_or_the_other(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    for _ in range(5):
        page = world.page(world.policy((60, [mara]), (60, [bo])))
        CLOCK.move(timedelta(seconds=61))

        assert together(lambda page=page: take(page.pk, mara), work) == []
        sent = len(outbox.sent)
        world.fast_forward(timedelta(minutes=5))

        page.refresh_from_db()
        assert page.state == Page.State.ACKNOWLEDGED
        assert len(outbox.sent) <= sent
        assert set(world.states_of(page).values()) <= {"handed_over", "cancelled"}


def test_the_same_alert_through_two_nodes_at_once_is_one_alert_and_one_page(outbox: world.Outbox) -> None:
    world.route(1, world.policy((300, [world.person()])))
    source = world.source()
    for number in range(5):
        signal = world.signal(alertname=f"Alert{number}")

        raised = together(*[lambda signal=signal: send(source, signal)] * 2)

        assert raised == []
        assert Alert.objects.filter(labels__alertname=f"Alert{number}").count() == 1
    assert (AlertGroup.objects.count(), Page.objects.count()) == (5, 5)


def send(source: world.SourceKey, signal: world.RawSignal) -> None:
    world.ingest(source, signal)


def test_the_same_entry_sent_twice_at_once_is_posted_once(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    room = incidents.declare("Apache is down", by=mara)
    for number in range(5):
        said = Said(Entry.Kind.NOTE, "Hello", key=f"k{number}")

        raised = together(*[lambda said=said: incidents.post(room, said, by=mara)] * 2)

        assert raised == []
    assert Entry.objects.count() == 5


def test_two_who_stand_down_at_once_end_it_once(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    room = incidents.declare("Apache is down", by=mara)

    raised = together(*[lambda: incidents.stand_down(Incident.objects.get(), by=mara, words="Over")] * 2)

    assert raised == []
    assert [event.kind for event in timeline.about(room)].count("incident.stood_down") == 1
    assert Entry.objects.count() == 1


def test_a_node_that_is_cut_off_between_send_and_record_repeats_with_a_mark(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    paging.page_people([mara], paging.Words("Look"), reason=paging.Reason(), by=None)
    timers.fire(timers.claim(1)[0])
    first = timers.claim(1)[0]
    paging_delivery = timers.HANDLERS[first.kind].function
    outbox.meanwhile = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        paging_delivery(first)

    CLOCK.move(timedelta(seconds=21))
    world.fire_all()

    assert [item.message.may_repeat for item in outbox.sent] == [True]


def test_different_alerts_of_one_group_through_two_nodes_at_once_are_all_counted(outbox: world.Outbox) -> None:
    world.route(1, world.policy((300, [world.person()])))
    source = world.source()
    for number in range(5):
        signals = [world.signal(instance=f"{number}-{side}") for side in "ab"]
        assert together(*[lambda signal=signal: send(source, signal) for signal in signals]) == []

    group = AlertGroup.objects.get()
    assert (group.firing_count, group.alert_count) == (10, 10)


def test_a_step_that_two_timers_ask_for_is_taken_once(outbox: world.Outbox) -> None:
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")]
    page = world.page(world.policy(*[(300, [person]) for person in people]))
    for _ in range(2):
        timers.schedule(paging.ESCALATE, subject=timeline.ref(page), due_at=page.next_step_at or CLOCK.now())
    CLOCK.move(timedelta(seconds=301))

    assert together(*[work] * 3) == []

    assert [item.message.person_name for item in outbox.sent] == ["Mara Keller", "Bo Silva"]


def test_of_two_merges_at_once_one_wins_and_nothing_is_there_twice(transactional_db: None) -> None:
    mara = world.person("Mara Keller")
    source, one, two = (incidents.declare(title, by=mara) for title in ("Source", "One", "Two"))
    said = [incidents.post(source, Said(Entry.Kind.NOTE, f"word {number}"), by=mara).pk for number in range(5)]

    raised = together(*[lambda into=into: incidents.merge(source, into, by=mara) for into in (one, two)])

    assert [type(error) for error in raised] == [Conflict]
    source.refresh_from_db()
    assert source.merged_into in (one, two)
    assert list(Entry.objects.filter(pk__in=said).values_list("incident", flat=True).distinct()) == [
        source.merged_into_id
    ]


def test_two_rooms_merged_into_each_other_at_once_become_one(transactional_db: None) -> None:
    mara = world.person("Mara Keller")
    one, two = incidents.declare("One", by=mara), incidents.declare("Two", by=mara)

    raised = together(lambda: incidents.merge(one, two, by=mara), lambda: incidents.merge(two, one, by=mara))

    assert [type(error) for error in raised] == [Conflict]
    assert Incident.objects.filter(merged_into__isnull=False).count() == 1


def test_what_is_written_into_a_room_while_it_is_merged_lands_where_it_goes_on(transactional_db: None) -> None:
    mara = world.person("Mara Keller")
    source, into = incidents.declare("Source", by=mara), incidents.declare("Into", by=mara)

    def write(start: int) -> None:
        for number in range(start, start + 10):
            incidents.post(source, Said(Entry.Kind.NOTE, f"word {number}", key=f"k{number}"), by=mara)

    raised = together(lambda: write(0), lambda: incidents.merge(source, into, by=mara), lambda: write(10))

    assert raised == []
    assert Entry.objects.filter(incident=into, text__startswith="word").count() == 20
    assert not Entry.objects.filter(incident=source).exists()
