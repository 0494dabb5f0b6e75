"""What the commit of an alert does at once leaves behind what the timers would, and is claimed by who does it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError, transaction

from raglan.alerts.ports import SourceKey
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import atomic, bulk, quiet
from raglan.core.errors import DeliveryError
from raglan.core.models import Timer
from raglan.paging import actions, at_once, claimed, handing, ports, queries
from raglan.paging import events as told
from raglan.paging.actions import known, many
from raglan.paging.models import LastResort, Notification, Page, Policy
from raglan.people.models import ContactMethod, Person
from raglan.testing import world
from tests.paging.test_many_steps import frozen, left_behind, policies

__all__ = ["frozen"]
Committed = Callable[..., object]


class Engine:
    """One that keeps what it is given."""

    def __init__(self, room: int = 16) -> None:
        self.is_working = True
        self.room = room
        self.given: list[timers.Due] = []

    def take(self, dues: Sequence[timers.Due]) -> None:
        """Keep it for the test."""
        self.given += dues


@pytest.fixture
def source(outbox: world.Outbox) -> SourceKey:
    """A source whose alerts page somebody."""
    world.route(1, world.policy((60, [world.person()])))
    return world.source()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, outbox: world.Outbox) -> Iterator[Engine]:
    """An engine in this process; the machine may be busy."""
    monkeypatch.setattr(handing, "LONGEST_S", 3600.0)
    monkeypatch.setattr(claimed, "FRESH_S", 3600.0)
    claimed.forget()
    known.forget()
    running = Engine()
    end = timers.on_claimed(running)
    yield running
    end()
    known.forget()


def drafted(policy: Policy) -> Page:
    plan = queries.plan_of(policy)
    key = bulk.take_keys(Page, 1)[0]
    return actions.draft(policy, actions.Words("Apache"), reason=actions.Reason(), plan=plan, key=key)


def paged(policy: Policy) -> Page:
    """Start one page as the intake does."""
    page = drafted(policy)
    timeline.append_records(at_once.start_many([page]))
    return page


def fire_steps() -> None:
    for due in timers.claim(50, pool=Timer.Pool.WORK):
        timers.fire(due)


def test_it_leaves_behind_what_the_timers_would(engine: Engine) -> None:
    engine.room = 0
    ways = set()
    for policy in policies():
        page = paged(policy)
        later = actions.start(policy, actions.Words("Apache"), reason=actions.Reason())
        fire_steps()

        by_commit, by_timers = left_behind(page), left_behind(later)
        by_timers["events"] = told_at_once(by_timers["events"]) if was_at_once(page) else by_timers["events"]
        assert by_commit == by_timers, policy.slug
        ways.add(was_at_once(page))
    assert ways == {True, False}


def was_at_once(page: Page) -> bool:
    """Whether the first step of a page was taken where it was written, which its first event says."""
    said = timeline.about(page)[0].data
    assert said["step"] == -1 or datetime.fromisoformat(str(said["next_step_at"])) == page.next_step_at
    return said["step"] == 0


def told_at_once(events: object) -> list[object]:
    """What is told where the first step is taken at once: that it started says what else is told of that step."""
    assert isinstance(events, list)
    (started, said, subjects), *others = events
    at = next(place for place, (kind, *_) in enumerate(others) if kind == told.NextStepPlanned.kind)
    _, step, about = others.pop(at)
    assert (started, step["round"], about) == (told.PageStarted.kind, 0, [])
    return [(started, {**said, "step": step["step"]}, subjects), *others]


def test_without_an_engine_the_first_step_waits_for_whoever_claims_it(outbox: world.Outbox) -> None:
    page = paged(world.policy((60, [world.person()])))

    assert (page.step, Notification.objects.count()) == (-1, 0)


def test_one_that_is_held_leaves_the_first_step_to_its_timer(engine: Engine, outbox: world.Outbox) -> None:
    engine.is_working = False
    page = paged(world.policy((60, [world.person()])))

    assert (page.step, Notification.objects.count()) == (-1, 0)


def test_a_message_is_claimed_by_the_commit_and_goes_out_right_after_it(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    mara = world.person()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        page = paged(world.policy((60, [mara])))

    (timer,) = Timer.objects.filter(kind=actions.DELIVER)
    assert (timer.leased_by, timer.attempts, timer.leased_until) > (timers.NODE, 1, now())
    (row,) = Notification.objects.filter(page=page)
    assert (row.state, row.attempts) == ("sending", 1)
    assert timers.claim(10, pool=Timer.Pool.NETWORK) == []

    assert timers.fire_together(engine.given) == []

    row.refresh_from_db()
    assert (row.state, row.attempts, row.may_repeat) == ("handed_over", 1, False)
    assert [item.message.title for item in outbox.sent] == ["Apache"]
    assert not Timer.objects.filter(kind=actions.DELIVER).exists()
    assert [event.kind for event in timeline.about(page)] == [
        *("page.started", "page.reached_out", "notification.handed_over")
    ]


def test_when_the_process_dies_it_goes_out_as_a_possible_repeat(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    paged(world.policy((60, [world.person()])))
    claimed.forget()
    CLOCK.move(timedelta(seconds=21))

    world.fire_all()

    assert [item.message.may_repeat for item in outbox.sent] == [True]


@pytest.mark.parametrize("said", ["taken", "refused", "broken"])
def test_the_only_message_of_a_commit_goes_before_what_else_the_commit_has_to_do(
    engine: Engine,
    outbox: world.Outbox,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Committed,
    said: str,
) -> None:
    order: list[str] = []

    def send(*_: object) -> ports.Receipt:
        order.append("the message")
        if said == "refused":
            raise DeliveryError("no", permanent=True)
        if said == "broken":
            raise RuntimeError("a fault of our own")
        return ports.Receipt()

    real = threading.Event.wait

    def waits(begun: threading.Event, timeout: float | None = None) -> bool:
        """Wait as the commit does, but until it has come, while another thread sends."""
        if timeout != claimed.GIVES_WAY_S:
            return real(begun, timeout)
        timers.fire_together(engine.given)  # on this thread, which alone sees what this test has written
        order.append("set" if begun.is_set() else "not set")
        return True

    monkeypatch.setattr(world.Outbox, "take", send)
    monkeypatch.setattr(threading.Event, "wait", waits)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        paged(world.policy((60, [world.person()])))
        transaction.on_commit(lambda: order.append("the rest"))

    assert order == ["the message", "set", "the rest"]


def test_a_commit_does_not_wait_for_long(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    """Nor at all for several messages, nor in time for one that no thread begins with."""
    rest: list[int] = []
    for people in (1, 2):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            paged(world.policy((60, [world.person() for _ in range(people)])))
            transaction.on_commit(lambda: rest.append(len(engine.given)))

    assert rest == [1, 3]
    assert [claimed.of(due).begun is not None for due in engine.given] == [True, False, False]  # type: ignore[union-attr]


def test_what_is_not_committed_is_given_to_nobody(
    engine: Engine, django_capture_on_commit_callbacks: Committed
) -> None:
    policy = world.policy((60, [world.person()]))
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():  # type: ignore[attr-defined]
        paged(policy)
        transaction.set_rollback(True)

    assert (engine.given, Page.objects.count()) == ([], 0)


def test_an_engine_gets_no_more_than_it_has_room_for(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    engine.room = 2
    team = world.team(*(world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        paged(world.policy((60, [team])))

    assert len(engine.given) == 2
    assert sorted(Notification.objects.values_list("state", flat=True)) == ["sending", "sending", "waiting"]
    (waits,) = timers.claim(10, pool=Timer.Pool.NETWORK)
    assert waits.attempt == 1
    assert timers.fire_together([*engine.given, waits]) == []
    assert len(outbox.sent) == 3


def test_one_that_waited_is_looked_at_once_more_and_goes_out_to_nobody_who_is_not_wanted(
    engine: Engine,
    outbox: world.Outbox,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Committed,
) -> None:
    monkeypatch.setattr(claimed, "FRESH_S", -1.0)
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        over, goes_on = paged(world.policy((60, [mara]))), paged(world.policy((60, [bo])))
    actions.acknowledge(over, by=mara, via=actions.Via.SCREEN)

    assert timers.fire_together(engine.given) == []

    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]
    assert [Notification.objects.get(page=page).state for page in (over, goes_on)] == ["cancelled", "handed_over"]
    assert not Timer.objects.filter(kind=actions.DELIVER).exists()


def test_when_that_look_fails_none_is_taken_for_one_that_was_tried(
    engine: Engine,
    outbox: world.Outbox,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Committed,
) -> None:
    def fails(known: object) -> None:
        raise OperationalError("the database went away")

    monkeypatch.setattr(claimed, "FRESH_S", -1.0)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        for _ in range(2):
            paged(world.policy((60, [world.person()])))
    monkeypatch.setattr(claimed, "as_written", fails)

    left = timers.fire_together(engine.given)
    for due in left:
        timers.fire(due)

    assert len(left) == 2
    assert [item.message.may_repeat for item in outbox.sent] == [False, False]
    assert {(row.state, row.attempts) for row in Notification.objects.all()} == {("handed_over", 1)}


def test_one_whose_lease_may_end_on_the_way_is_left_to_who_takes_it_then(
    engine: Engine,
    outbox: world.Outbox,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Committed,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        paged(world.policy((60, [world.person()])))
    monkeypatch.setattr(claimed.Claimed, "is_lost", property(lambda _: True))

    assert timers.fire_together(engine.given) == []

    assert (outbox.sent, Timer.objects.filter(kind=actions.DELIVER, attempts=1).count()) == ([], 1)


@pytest.mark.parametrize(
    ("deadline_s", "age_s", "is_lost"),
    [(10, 0, False), (10, 7, False), (10, 8, True), (19, 0.25, False), (19, 0.75, True)],
)
def test_a_lease_is_long_enough_for_a_go_with_its_waiting_and_what_it_begins_last(
    monkeypatch: pytest.MonkeyPatch, deadline_s: float, age_s: float, *, is_lost: bool
) -> None:
    settings = claimed.config().model_copy(update={"lease_s": 20, "send_deadline_s": deadline_s})
    monkeypatch.setattr(claimed, "config", lambda: settings)
    monkeypatch.setattr(claimed, "time", SimpleNamespace(monotonic=lambda: 1_000.0 + age_s))
    (provider,) = ports.providers("webhook")

    assert claimed.Claimed(Notification(), claimed.Way(provider, ""), 1_000.0).is_lost is is_lost


def test_a_refusal_falls_back_to_the_next_try(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    mara = world.person()
    outbox.refuse(world.mail_of(mara).address)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        page = paged(world.policy((60, [mara])))

    assert timers.fire_together(engine.given) == []

    row = Notification.objects.get(page=page)
    assert (row.state, row.attempts) == ("waiting", 1)
    assert any(event.kind == told.NotificationFailed.kind for event in timeline.about(page))
    world.fast_forward(timedelta(seconds=10))
    assert Notification.objects.get(page=page).state == "handed_over"


def test_where_a_node_may_have_paged_by_itself_the_step_is_left_to_its_timer(
    engine: Engine, source: SourceKey, outbox: world.Outbox
) -> None:
    LastResort.objects.create(case="a", began_at=now(), told_at=now())
    world.ingest(source, world.signal())

    assert (Page.objects.get().step, Notification.objects.count()) == (-1, 0)


def test_an_alert_that_ends_in_its_own_request_asks_nobody(
    engine: Engine, source: SourceKey, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        world.ingest(source, world.signal(), world.signal("resolved"))

    assert (Page.objects.get().state, engine.given, Notification.objects.count()) == ("resolved", [], 0)


def test_an_alert_is_paged_by_its_own_commit(
    engine: Engine, source: SourceKey, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        world.ingest(source, world.signal())

    assert (Page.objects.get().step, len(engine.given)) == (0, 1)


def test_what_no_thread_had_room_for_is_known_by_heart_while_it_is_as_it_was(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    engine.room = 0
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth", "Noor Haddad")]
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        pages = [paged(world.policy((60, [person]))) for person in people]
    rows = [Notification.objects.get(page=page) for page in pages]
    actions.acknowledge(pages[0], by=people[0], via=actions.Via.SCREEN)
    Page.objects.filter(pk=pages[1].pk).update(title="Apache again")
    Notification.objects.filter(pk=rows[2].pk).update(attempts=1)
    found = timers.claim(10, pool=Timer.Pool.NETWORK, several=True)

    assert list(claimed.unchanged([row.pk for row in rows])) == [rows[3].pk]
    assert claimed.unchanged([row.pk for row in rows]) == {}  # once

    assert timers.fire_together(found) == []
    sent = sorted((item.message.person_name, item.message.title) for item in outbox.sent)
    assert sent == [("Bo Silva", "Apache again"), ("Ines Roth", "Apache"), ("Noor Haddad", "Apache")]


def test_what_is_known_by_heart_leaves_behind_what_is_read(
    engine: Engine, outbox: world.Outbox, django_capture_on_commit_callbacks: Committed
) -> None:
    engine.room = 0
    found, policy = [], world.policy((60, [world.person()]))
    for forgets in (False, True):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            page = paged(policy)
        if forgets:
            claimed.forget()
        assert timers.fire_together(timers.claim(10, pool=Timer.Pool.NETWORK, several=True)) == []
        row = Notification.objects.get(page=page)
        found.append(
            (row.state, row.attempts, row.may_repeat, row.provider, [event.kind for event in timeline.about(page)])
        )

    assert found[0] == found[1]


# What is kept from commit to commit ----------------------------------------------------------------------------------


def test_a_way_that_is_new_or_gone_counts_from_the_next_page(engine: Engine) -> None:
    mara = world.person()
    policy = world.policy((60, [mara]))
    first = paged(policy)
    second = world.way(mara, ContactMethod.Kind.WEBHOOK)
    timeline_of(mara)

    then = paged(policy)

    assert [list(kinds(page)) for page in (first, then)] == [["email"], ["email", second.kind]]


def test_a_handoff_counts_although_nobody_wrote(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    rota = world.schedule(mara)
    world.cover(rota, bo, hours=1)
    monkeypatch.setattr(known, "KEPT", timedelta(days=1))
    policy = world.policy((60, [rota]))
    first = paged(policy)
    CLOCK.move(timedelta(minutes=61))

    then = paged(policy)

    assert [page.reached.get().person for page in (first, then)] == [bo, mara]


@pytest.mark.skipif("bulk.is_postgresql()", reason="it is asked each time")
@pytest.mark.parametrize("is_old", [False, True])
def test_what_is_too_old_to_be_kept_is_not_used(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Committed, is_old: bool
) -> None:
    monkeypatch.setattr(known, "KEPT", timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        known.known_now().whom(())
    CLOCK.move(timedelta(minutes=61 if is_old else 1))

    assert bool(known.known_now()._whom) is not is_old


@pytest.mark.skipif("bulk.is_postgresql()", reason="it is asked each time")
def test_what_the_database_refuses_is_not_taken_for_a_mistake_in_whom_to_page(
    engine: Engine, source: SourceKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet, "_newest", lambda _: "SELECT nothing FROM nowhere")

    with pytest.raises(OperationalError):
        paged(Policy.objects.get())


def test_what_a_commit_knew_that_was_taken_back_is_not_kept(engine: Engine) -> None:
    mara = world.person()
    policy = world.policy((60, [mara]))

    @atomic
    def in_vain() -> None:
        for _ in range(3):
            timeline.append(told.RulesChanged(person=mara.pk, rules=[], urgency="high"), about=[mara])
        known.known_now().ways(mara, "high")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_vain()
    second = world.way(mara, ContactMethod.Kind.WEBHOOK)
    timeline_of(mara)  # on SQLite with an id of an event that was taken back

    assert list(kinds(paged(policy))) == ["email", second.kind]


def test_a_mistake_in_whom_to_page_keeps_no_alert_from_the_disk(
    engine: Engine, outbox: world.Outbox, source: SourceKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a rota that can not be read")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(many, "step_of", broken)
        world.ingest(source, world.signal())
    assert engine.given == []
    assert Page.objects.get().round == 0
    fire_steps()
    assert Notification.objects.filter(page=Page.objects.get()).exists()


def test_a_mistake_in_a_channel_leaves_its_message_to_its_timer(
    engine: Engine, source: SourceKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("an address that can not be read")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(claimed, "way_of", broken)
        world.ingest(source, world.signal())
    assert engine.given == []
    message = Notification.objects.get()
    assert message.state == Notification.State.WAITING
    assert timers.is_planned(actions.DELIVER, subject=f"notification:{message.pk}")


def timeline_of(person: Person) -> None:
    """As each change of a person's ways does."""
    timeline.append(told.RulesChanged(person=person.pk, rules=[], urgency="high"), about=[person])


def kinds(page: Page) -> list[str]:
    return list(Notification.objects.filter(page=page).order_by("pk").values_list("channel", flat=True))
