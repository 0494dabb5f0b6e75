"""Messages that one thread hands over in one go leave behind what each would leave behind alone."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError

from raglan.core import engine, metrics, timeline, timers
from raglan.core.errors import DeliveryError
from raglan.core.faults import Crash, crash_at
from raglan.core.models import Timer
from raglan.paging import actions, circuit, handing, ports, sending
from raglan.paging import claimed as claims
from raglan.paging.models import Notification, Page
from raglan.paging.sending import Ready, Went
from raglan.testing import world

NAMES = ("Mara Keller", "Bo Silva", "Ines Roth")
WITHOUT_KEYS = ("notification", "handed_over_at", "provider_id", "person")


@pytest.fixture(autouse=True)
def no_relief(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is: the other thread does not see what a test has not committed."""
    monkeypatch.setattr(handing, "LONGEST_S", 3600.0)


@pytest.fixture
def pages(outbox: world.Outbox) -> list[Page]:
    """A page to each of three people, whose messages are due."""
    started = [
        actions.start(world.policy((1800, [world.person(name)])), actions.Words("It is down"), reason=actions.Reason())
        for name in NAMES
    ]
    for due in timers.claim(10, pool=Timer.Pool.WORK):
        timers.fire(due)
    return started


def claimed() -> list[timers.Due]:
    found = timers.claim(10, pool=Timer.Pool.NETWORK, several=True)
    assert {due.kind for due in found} <= {actions.DELIVER}
    return found


def left_behind(pages: list[Page]) -> list[object]:
    rows = Notification.objects.filter(page__in=pages).order_by("page_id")
    told = [
        (event.kind, {name: value for name, value in event.data.items() if name not in WITHOUT_KEYS})
        for page in pages
        for event in timeline.about(page)
        if event.kind.startswith("notification.")
    ]
    kept = [
        (row.state, row.attempts, row.may_repeat, row.error, row.provider, bool(row.handed_over_at)) for row in rows
    ]
    due = [(timer.attempts, timer.leased_until) for timer in Timer.objects.filter(kind=actions.DELIVER)]
    return [told, kept, due]


def test_they_leave_behind_what_they_would_leave_behind_alone(pages: list[Page], outbox: world.Outbox) -> None:
    assert timers.fire_together(claimed()) == []
    together = left_behind(pages)
    assert sorted(item.message.person_name for item in outbox.sent) == sorted(NAMES)

    alone = [
        actions.start(page.policy, actions.Words("It is down"), reason=actions.Reason())
        for page in pages
        if page.policy
    ]
    for due in timers.claim(10, pool=Timer.Pool.WORK):
        timers.fire(due)
    for due in claimed():
        timers.fire(due)

    assert left_behind(alone) == together
    assert len(outbox.sent) == 6


def test_a_refusal_is_recorded_for_its_message_only(pages: list[Page], outbox: world.Outbox) -> None:
    address = Notification.objects.get(page=pages[1]).address
    outbox.refuse(address)

    assert timers.fire_together(claimed()) == []

    states = [Notification.objects.get(page=page).state for page in pages]
    assert states == ["handed_over", "waiting", "handed_over"]
    (again,) = Timer.objects.filter(kind=actions.DELIVER)
    assert again.subject == timeline.ref(f"notification:{Notification.objects.get(page=pages[1]).pk}")


def unknown(outbox: world.Outbox, page: Page) -> Notification:
    """Let a provider not say whether it took the message of a page."""
    row = Notification.objects.get(page=page)
    outbox.breaks(row.address, DeliveryError("the line was cut", permanent=False, unknown=True))
    return row


def payloads(row: Notification) -> list[object]:
    """Return what the timers of a message carry."""
    found = Timer.objects.filter(kind=actions.DELIVER, subject=timeline.ref(f"notification:{row.pk}"))
    return list(found.order_by("pk").values_list("payload", flat=True))


def test_one_that_may_have_been_taken_is_never_repeated_unmarked_when_the_process_dies(
    pages: list[Page], outbox: world.Outbox
) -> None:
    row = unknown(outbox, pages[0])

    with crash_at(1, name="deliver.sent"), pytest.raises(Crash):
        timers.fire_together(claimed())

    assert payloads(row) == [{"unknown": True}]


def test_one_alone_that_may_have_been_taken_is_never_repeated_unmarked_when_the_process_dies(
    pages: list[Page], outbox: world.Outbox
) -> None:
    row = unknown(outbox, pages[0])
    (due,) = (due for due in claimed() if due.subject_id == row.pk)

    with crash_at(1, name="timers.network_done"), pytest.raises(Crash):
        timers.fire(due)

    assert payloads(row) == [{"unknown": True}]


def test_a_refusal_that_stands_is_not_tried_again_at_once_when_the_others_can_not_be_recorded(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(sent: object) -> None:
        raise OperationalError("the database went away")

    row = unknown(outbox, pages[0])
    monkeypatch.setattr(handing.claiming, "note_sent", fails)

    left = timers.fire_together(claimed())

    assert row.pk not in {due.subject_id for due in left}
    assert len(left) == 2
    assert payloads(row) == [{"unknown": True}]


def test_one_whose_channel_breaks_is_left_to_be_tried_alone_as_a_possible_repeat(
    pages: list[Page], outbox: world.Outbox
) -> None:
    broken = Notification.objects.get(page=pages[1])
    outbox.breaks(broken.address, RuntimeError("a fault of our own"))

    (left,) = timers.fire_together(claimed())

    assert left.subject_id == broken.pk
    assert len(outbox.sent) == 2
    outbox._broken.clear()
    timers.fire(left)
    broken.refresh_from_db()
    assert (broken.state, broken.may_repeat) == ("handed_over", True)


def test_a_page_that_is_over_sends_nothing_and_its_timer_ends(pages: list[Page], outbox: world.Outbox) -> None:
    dues = claimed()
    Page.objects.filter(pk=pages[0].pk).update(state=Page.State.RESOLVED)

    assert timers.fire_together(dues) == []

    assert Notification.objects.get(page=pages[0]).state == Notification.State.CANCELLED
    assert len(outbox.sent) == 2
    assert not Timer.objects.filter(kind=actions.DELIVER).exists()


def test_while_one_hangs_the_others_go_back_to_be_taken_by_any_thread(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        outbox.meanwhile = do  # while the first is on its way
        return lambda: None

    monkeypatch.setattr(handing, "relief", relief)

    assert timers.fire_together(claimed()) == []

    assert len(outbox.tried) == 1
    rows = list(Notification.objects.filter(page__in=pages).order_by("page_id"))
    assert [(row.state, row.attempts, row.may_repeat) for row in rows] == [
        ("handed_over", 1, False),
        ("waiting", 0, False),
        ("waiting", 0, False),
    ]
    monkeypatch.setattr(handing, "relief", lambda *_: lambda: None)
    dues = claimed()
    assert [due.attempt for due in dues] == [1, 1]
    assert timers.fire_together(dues) == []
    assert len(outbox.sent) == 3


def test_while_the_only_plain_one_hangs_what_is_to_be_fired_alone_goes_back_too(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        outbox.meanwhile = do
        return lambda: None

    first, *rest = claimed()
    Timer.objects.filter(pk=rest[0].id).update(attempts=2)
    dues = [first, rest[0]._replace(attempt=2), rest[1]._replace(payload={"tries": 1})]
    monkeypatch.setattr(handing, "relief", relief)

    assert timers.fire_together(dues) == []

    assert len(outbox.sent) == 1
    left = Timer.objects.filter(kind=actions.DELIVER).order_by("pk")
    assert [(timer.pk, timer.leased_until, timer.attempts) for timer in left] == [
        (rest[0].id, None, 1),
        (rest[1].id, None, 0),
    ]


def test_when_the_record_fails_what_other_threads_have_is_not_done_here_too(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        outbox.meanwhile = do
        return lambda: None

    def fails(sent: object) -> None:
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr(handing, "relief", relief)
    monkeypatch.setattr(handing.claiming, "note_sent", fails)
    dues = claimed()

    assert timers.fire_together(dues) == dues[:1]
    assert Timer.objects.filter(kind=actions.DELIVER, leased_until=None).count() == 2


def test_what_fails_on_the_way_takes_nothing_with_it_that_was_taken_before(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = handing.sending._Go.begin

    def begin(self: handing.sending._Go, item: Ready) -> bool:
        if outbox.sent:
            raise RuntimeError("a fault of our own")
        return real(self, item)

    with monkeypatch.context() as patched:
        patched.setattr(handing.sending._Go, "begin", begin)
        left = timers.fire_together(claimed())
    assert len(left) == 2
    for due in left:
        timers.fire(due)

    assert sorted(item.message.person_name for item in outbox.sent) == sorted(NAMES)
    rows = Notification.objects.filter(page__in=pages)
    assert {(row.state, row.attempts) for row in rows} == {("handed_over", 1)}
    assert sorted(row.may_repeat for row in rows) == [False, False, True]  # the one that broke may be with its provider


def test_what_was_cancelled_in_a_claim_that_failed_is_not_over(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(found: object) -> None:
        raise RuntimeError("a fault of our own")

    dues = claimed()
    Page.objects.filter(pk=pages[0].pk).update(state=Page.State.RESOLVED)
    monkeypatch.setattr(handing.claiming, "take", fails)

    assert timers.fire_together(dues) == dues

    assert Timer.objects.filter(kind=actions.DELIVER).count() == len(dues)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_record_that_the_database_refuses_once_is_tried_once_more(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    real, calls = handing.claiming.note_sent, []

    def fails_first(sent: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise error("the database went away")
        return real(sent)  # type: ignore[arg-type]

    monkeypatch.setattr(handing.claiming, "note_sent", fails_first)

    assert timers.fire_together(claimed()) == []

    assert (len(outbox.sent), len(calls)) == (3, 2)
    assert {row.state for row in Notification.objects.filter(page__in=pages)} == {"handed_over"}


def test_what_was_taken_before_one_hangs_is_recorded_at_once(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a death while it hangs would send all of them once more."""
    states: list[list[str]] = []

    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        def meanwhile() -> None:
            do()
            states.append(sorted(row.state for row in Notification.objects.filter(page__in=pages)))
            states.append([str(Timer.objects.filter(kind=actions.DELIVER).count())])

        outbox.meanwhile = lambda: setattr(outbox, "meanwhile", meanwhile)  # of the second
        return lambda: None

    monkeypatch.setattr(handing, "relief", relief)

    assert timers.fire_together(claimed()) == []

    assert states == [["handed_over", "sending", "waiting"], ["2"]]
    assert len(outbox.sent) == 2
    assert [timer.leased_until for timer in Timer.objects.filter(kind=actions.DELIVER)] == [None]


def test_what_could_not_be_recorded_early_is_recorded_with_the_others(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = handing.claiming.note_sent, []

    def fails_first(sent: Sequence[object]) -> object:
        calls.append(len(sent))
        if len(calls) == 1:
            raise RuntimeError("a fault of our own")
        return real(sent)  # type: ignore[arg-type]

    def relief(after_s: float, do: Callable[[], None]) -> Callable[[], None]:
        outbox.meanwhile = lambda: setattr(outbox, "meanwhile", do)
        return lambda: None

    monkeypatch.setattr(handing.claiming, "note_sent", fails_first)
    monkeypatch.setattr(handing, "relief", relief)

    assert timers.fire_together(claimed()) == []

    assert calls == [1, 2]
    rows = Notification.objects.filter(page__in=pages)
    assert sorted(row.state for row in rows) == ["handed_over", "handed_over", "waiting"]


def test_relief_that_finds_no_thread_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    coming = handing._Relief(0.0, lambda: None)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fails)
        with pytest.raises(RuntimeError):
            coming.strike()

    coming.end()


def test_relief_comes_after_its_time_and_not_when_all_was_done_before() -> None:
    came = threading.Event()
    handing.relief(3600, came.set)()
    assert not came.is_set()

    end = handing.relief(0, came.set)
    assert came.wait(60)
    end()


def test_a_lane_that_came_to_rest_in_between_tries_nothing_and_each_waits_alone(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rests(name: str, address: str) -> object:
        raise circuit.Resting("left alone", timedelta(seconds=10))

    monkeypatch.setattr(circuit, "enter", rests)

    left = timers.fire_together(claimed())

    assert len(left) == 3
    assert outbox.tried == []
    assert {(row.state, row.attempts) for row in Notification.objects.filter(page__in=pages)} == {("waiting", 0)}


SOON = timedelta(seconds=10)


@pytest.mark.parametrize("why", [circuit.Full(SOON), circuit.Resting("left alone", SOON)], ids=["full", "resting"])
def test_a_crash_behind_what_lets_a_message_wait_leaves_one_timer_of_it(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, why: Exception
) -> None:
    def is_closed(name: str, address: str) -> object:
        raise why

    monkeypatch.setattr(circuit, "enter", is_closed)
    one = claimed()[0]

    with crash_at(1, name="timers.network_done"), pytest.raises(Crash):
        timers.fire(one)

    of_it = Timer.objects.filter(kind=actions.DELIVER, subject=one.subject)
    assert [timer.leased_until for timer in of_it] == [None]  # two would send it twice where both are due
    assert outbox.tried == []


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """What tells how many messages were counted as fired since the start of a test."""
    monkeypatch.setattr(engine, "close_old_connections", nothing)
    before = count_of_fired()
    return lambda: count_of_fired() - before


def nothing() -> None:
    """The connection of a test stays open."""


def count_of_fired() -> float:
    return metrics.REGISTRY.get_sample_value("raglan_timers_fired_total", {"kind": actions.DELIVER}) or 0


def test_what_was_given_back_counts_as_fired_when_it_is(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, fired: Callable[[], float]
) -> None:
    dues = claimed()

    def hangs(went: Went, give_back: Callable[[], None]) -> None:
        give_back()

    with monkeypatch.context() as patched:
        patched.setattr(sending, "send", hangs)
        assert engine.fire_together(dues) == []
    assert fired() == 0

    assert engine.fire_together(claimed()) == []
    assert fired() == len(NAMES)


def test_each_message_counts_as_fired_once_whether_it_goes_with_others_or_alone(
    pages: list[Page], outbox: world.Outbox, fired: Callable[[], float]
) -> None:
    dues = claimed()
    Notification.objects.filter(page=pages[0]).update(state=Notification.State.CANCELLED)
    dues = [*dues[:2], dues[2]._replace(attempt=2)]

    for due in engine.fire_together(dues):
        engine.fire_safely(due)

    assert fired() == len(NAMES)


@pytest.mark.parametrize("why", ["budget", "another try", "resting"])
def test_what_is_not_plain_is_left_as_it_is(
    pages: list[Page], outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    dues = claimed()
    match why:
        case "budget":
            provider = ports.providers("email")[0]
            limited = ports.Provider(provider.name, provider.channel, provider.why_off, per_hour=lambda: 5)
            monkeypatch.setattr(claims.providers, "choose", lambda *_: limited)
        case "another try":
            dues = [due._replace(attempt=2) for due in dues]
        case _:
            monkeypatch.setattr(circuit, "rests", lambda name: True)

    assert timers.fire_together(dues) == dues
    assert outbox.tried == []
    assert {row.state for row in Notification.objects.filter(page__in=pages)} == {"waiting"}


def test_a_crash_on_the_way_loses_none_and_marks_what_may_be_a_repeat(pages: list[Page], outbox: world.Outbox) -> None:
    with crash_at(2, name="deliver.sent"), pytest.raises(Crash):
        timers.fire_together(claimed())
    assert len(outbox.sent) == 2
    timers.release()

    for due in timers.fire_together(claimed()):
        timers.fire(due)

    assert {row.state for row in Notification.objects.filter(page__in=pages)} == {"handed_over"}
    again = outbox.sent[2:]
    assert sorted(item.message.person_name for item in again) == sorted(NAMES)
    assert all(item.message.may_repeat for item in again)
