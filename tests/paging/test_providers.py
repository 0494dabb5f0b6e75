"""Several providers of one channel: order, country, fail-over, budgets, and one bad one that blocks nobody."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.engine import NETWORK_THREADS
from raglan.core.errors import DeliveryError
from raglan.core.models import Timer
from raglan.paging import circuit, delivery, ports, providers
from raglan.paging.models import Notification, Page, Reached
from raglan.people.mail import MAIL
from raglan.people.models import Person
from raglan.testing import world

NUMBER = "+4915123456"
SECOND = timedelta(seconds=1)


class Phone:
    """A provider of phone calls that does what a test tells it to."""

    kind = "voice"
    ask_after = (timedelta(seconds=20), timedelta(seconds=60))

    def __init__(self) -> None:
        self.taken: list[ports.Message] = []
        self.errors: list[DeliveryError] = []
        self.news: ports.Report | None = None

    def check(self, address: str) -> None:
        """Take every number."""

    def send(self, address: str, message: ports.Message) -> ports.Receipt:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(message)
        return ports.Receipt(f"call-{len(self.taken)}")

    def ask(self, provider_id: str) -> ports.Report | None:
        return self.news


@pytest.fixture
def phones() -> Iterator[tuple[Phone, Phone]]:
    """Two providers in the place of the real ones, and nothing known of how they do."""
    first, second = Phone(), Phone()
    circuit.forget()
    with ports.only(first):
        ports._channels["voice"] = {}
        ports.register_channel(first, name="first")
        ports.register_channel(second, name="second", per_hour=lambda: 3)
        yield first, second
    circuit.forget()


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def change(*rules: str) -> None:
        changed = config().model_copy(update={"provider_order": list(rules)})
        monkeypatch.setattr(providers, "config", lambda: changed)

    return change


def by_phone(*, then_hook: bool = False) -> Person:
    mara = world.person("Mara Keller")
    world.mail_of(mara).delete()
    world.way(mara, "voice", NUMBER)
    return mara


def down(permanent: bool = False) -> DeliveryError:
    return DeliveryError("the line is dead", permanent=permanent)


def the_call() -> Notification:
    return Notification.objects.get(channel="voice")


@pytest.mark.django_db
def test_when_a_provider_fails_the_next_one_is_asked_at_once(phones: tuple[Phone, Phone]) -> None:
    first, second = phones
    first.errors = [down(permanent=True)]

    page = world.page(world.policy((600, [by_phone()])))

    call = the_call()
    assert (call.state, call.provider, call.attempts) == ("handed_over", "second", 1)
    assert second.taken[0].may_repeat is False
    told = [event.data["provider"] for event in timeline.about(page) if event.kind == "notification.failed"]
    assert told == ["first"]


@pytest.mark.django_db
def test_when_the_first_may_have_taken_it_the_second_says_that_it_may_be_a_repeat(phones: tuple[Phone, Phone]) -> None:
    first, second = phones
    first.errors = [down()]

    world.page(world.policy((600, [by_phone()])))

    assert second.taken[0].may_repeat is True


@pytest.mark.django_db
def test_when_all_fail_the_round_begins_anew_after_a_wait(phones: tuple[Phone, Phone]) -> None:
    first, second = phones
    first.errors, second.errors = [down()], [down()]

    world.page(world.policy((600, [by_phone()])))
    assert the_call().state == "waiting"
    world.fast_forward(timedelta(seconds=6))

    assert (the_call().provider, the_call().attempts) == ("first", 2)


@pytest.mark.django_db
def test_the_country_decides_who_is_asked_first(phones: tuple[Phone, Phone], order: Callable[..., None]) -> None:
    order("voice=first", "voice:+49=second/first", "voice:+4989=first/second", "sms=nobody")

    names = [[item.name for item in providers.ordered("voice", number)] for number in (NUMBER, "+49891", "+331")]

    assert names == [["second", "first"], ["first", "second"], ["first"]]


@pytest.mark.django_db
def test_a_spent_budget_leads_to_the_next_way_and_tells_the_owners_once(
    phones: tuple[Phone, Phone], order: Callable[..., None]
) -> None:
    order("voice=second")
    world.administrator()
    mara = by_phone()
    for _ in range(6):
        world.page(world.policy((600, [mara])))

    assert len(phones[1].taken) == 3
    assert Reached.objects.filter(person=mara, answer=Reached.Answer.UNREACHABLE).count() == 3
    assert [event.data for event in timeline.about("channel:voice.second")] == [
        {"channel": "voice", "provider": "second", "per_hour": 3}
    ]
    assert Timer.objects.filter(kind=MAIL).count() <= 1

    world.fast_forward(timedelta(hours=1, minutes=1))
    world.page(world.policy((600, [mara])))
    assert len(phones[1].taken) == 4


@pytest.mark.django_db
def test_a_provider_that_fails_again_and_again_is_left_alone_and_then_tried_by_one(
    phones: tuple[Phone, Phone],
) -> None:
    first, second = phones
    first.errors = [down() for _ in range(circuit.FAILURES)]
    mara = by_phone()
    for _ in range(circuit.FAILURES + 3):
        world.page(world.policy((6000, [mara])))
        CLOCK.move(timedelta(milliseconds=10))

    assert (first.errors, len(first.taken), len(second.taken)) == ([], 0, 3)  # the budget of the second is spent
    assert circuit.rests("first")
    world.fast_forward(timedelta(seconds=30))

    assert first.taken
    assert not circuit.rests("first")


@pytest.mark.django_db
def test_a_wish_for_fewer_messages_is_respected(phones: tuple[Phone, Phone]) -> None:
    first, second = phones
    first.errors = [ports.TooFast("slower please", seconds=120)]
    mara = by_phone()
    world.page(world.policy((6000, [mara])))
    world.page(world.policy((6000, [mara])))
    assert (len(first.taken), len(second.taken)) == (0, 2)

    world.fast_forward(timedelta(seconds=121))
    world.page(world.policy((6000, [mara])))
    assert len(first.taken) == 1


@pytest.mark.django_db
def test_later_news_that_nobody_was_reached_lead_to_the_next_way(phones: tuple[Phone, Phone]) -> None:
    mara = by_phone()
    mail = world.way(mara, "email")
    world.paging.set_rules(mara, [(mara.contact_methods.get(kind="voice").pk, 0), (mail.pk, 900)], by=mara)
    with world.outbox(world.Outbox()) as box, ports.only(phones[0]):
        page = world.page(world.policy((1800, [mara])))
        phones[0].news = ports.Report(ports.Outcome.NOT_REACHED, "an answering machine took the call")
        world.fast_forward(timedelta(seconds=21))

    call = the_call()
    assert (call.state, call.error) == ("failed", "an answering machine took the call")
    assert call.handed_over_at is not None
    assert (call.received_at, call.confirmed_at) == (None, None)
    assert box.addresses == [mail.address]
    assert "notification.not_reached" in [event.kind for event in timeline.about(page)]


@pytest.mark.django_db
def test_later_news_that_it_arrived_are_one_of_three_facts(phones: tuple[Phone, Phone]) -> None:
    page = world.page(world.policy((1800, [by_phone()])))
    phones[0].news = ports.Report(ports.Outcome.RECEIVED)

    world.fast_forward(timedelta(seconds=21))

    call = the_call()
    assert (call.received_at is not None, call.confirmed_at, call.state) == (True, None, "handed_over")
    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


@pytest.mark.django_db
def test_without_news_a_provider_is_asked_a_bounded_number_of_times(phones: tuple[Phone, Phone]) -> None:
    world.page(world.policy((6000, [by_phone()])))
    world.fast_forward(timedelta(seconds=300))

    assert not Timer.objects.filter(kind=delivery.ASK).exists()


@pytest.mark.django_db
def test_news_that_are_faster_than_the_hand_over_wait_for_it(phones: tuple[Phone, Phone]) -> None:
    world.page(world.policy((6000, [by_phone()])))
    call = the_call()
    Notification.objects.filter(pk=call.pk).update(state=Notification.State.SENDING, handed_over_at=None)
    delivery.report_on(call.pk, ports.Report(ports.Outcome.NOT_REACHED, "busy"))
    assert the_call().state == "sending"
    Notification.objects.filter(pk=call.pk).update(state=Notification.State.HANDED_OVER)

    world.fast_forward(timedelta(seconds=3))

    assert (the_call().state, the_call().error) == ("failed", "busy")


@pytest.mark.django_db
def test_an_address_that_has_ended_is_removed_and_its_person_told(phones: tuple[Phone, Phone]) -> None:
    first, second = phones
    first.errors, second.errors = [ports.Gone("the number is gone")], [ports.Gone("the number is gone")]
    mara = by_phone()

    world.page(world.policy((600, [mara])))

    assert not mara.contact_methods.exists()
    assert the_call().state == "failed"
    assert "ended" in [event.data.get("what") for event in timeline.about(mara)]


def test_a_hung_provider_leaves_threads_for_the_others() -> None:
    """All threads of a node meet a provider that hangs: within seconds some are free for another one."""
    circuit.forget()
    hung, entered, put_back = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)

    def call() -> None:
        try:
            with circuit.hand_over("hung"):
                entered.release()
                hung.wait(100)
        except circuit.Full:
            put_back.release()

    threads = [threading.Thread(target=call) for _ in range(NETWORK_THREADS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(circuit.PLACES):
            assert entered.acquire(timeout=60)
        for _ in range(NETWORK_THREADS - circuit.PLACES):
            assert put_back.acquire(timeout=60)  # these have left; without the share they would hang too
        with circuit.hand_over("well"):
            assert {lane.name: len(lane.in_flight) for lane in circuit.lanes()} == {"hung": circuit.PLACES, "well": 1}
        with pytest.raises(circuit.Full), circuit.hand_over("hung"):
            pass
    finally:
        hung.set()
        for thread in threads:
            thread.join(60)
    circuit.forget()


@pytest.mark.parametrize(
    "leave", [circuit.back_out, lambda name, at: circuit.leave(name, at, None)], ids=["backed out", "left"]
)
def test_a_place_wakes_who_waits_for_it_although_others_wait_longer_for_other_lanes(
    monkeypatch: pytest.MonkeyPatch, leave: Callable[[str, datetime], None]
) -> None:
    circuit.forget()
    monkeypatch.setattr(circuit, "PLACES", 1)
    monkeypatch.setattr(circuit, "SLOW", timedelta(hours=1))
    places = {name: circuit.enter(name) for name in ("hung", "quick")}
    threads = {name: threading.Thread(target=circuit.enter, args=(name,), daemon=True) for name in places}
    for waiting, thread in enumerate(threads.values(), start=1):
        thread.start()
        while len(circuit._changed._waiters) < waiting:  # type: ignore[attr-defined]
            thread.join(0.01)

    leave("quick", places["quick"])
    threads["quick"].join(20)

    assert not threads["quick"].is_alive()
    leave("hung", places["hung"])
    threads["hung"].join(20)
    assert not threads["hung"].is_alive()
    circuit.forget()


@pytest.mark.django_db
def test_a_message_for_a_full_lane_is_put_back_and_not_failed(phones: tuple[Phone, Phone]) -> None:
    started = [circuit.enter("first") for _ in range(circuit.PLACES)]
    CLOCK.move(circuit.SLOW)

    page = world.page(world.policy((600, [by_phone()])))
    assert (the_call().state, the_call().attempts) == ("waiting", 0)
    for at in started:
        circuit.leave("first", at, None)
    world.fast_forward(3 * SECOND)

    assert (the_call().state, the_call().attempts) == ("handed_over", 1)
    assert "notification.failed" not in [event.kind for event in timeline.about(page)]
    assert not Timer.objects.filter(kind="paging.deliver").exists()
    assert timers.lateness() == 0


@pytest.mark.django_db
def test_a_message_waits_for_a_full_lane_however_long_it_is_full(phones: tuple[Phone, Phone]) -> None:
    started = [circuit.enter("first") for _ in range(circuit.PLACES)]
    CLOCK.move(circuit.SLOW)

    page = world.page(world.policy((6000, [by_phone()])))
    world.fast_forward(timedelta(minutes=10))
    assert (the_call().state, the_call().attempts) == ("waiting", 0)
    for at in started:
        circuit.leave("first", at, None)
    world.fast_forward(9 * SECOND)

    assert (the_call().state, the_call().attempts) == ("handed_over", 1)
    assert "notification.failed" not in [event.kind for event in timeline.about(page)]
    assert not Timer.objects.filter(parked_at__isnull=False).exists()


@pytest.mark.django_db
def test_a_message_for_a_provider_that_is_left_alone_waits_and_loses_no_try(
    phones: tuple[Phone, Phone], order: Callable[..., None]
) -> None:
    order("voice=first")
    phones[0].errors = [ports.TooFast("slower please", seconds=90)]
    world.page(world.policy((6000, [world.person("Bo Silva"), by_phone()])))
    mara = Person.objects.get(name="Mara Keller")
    mail = world.way(mara, "email")
    world.paging.set_rules(mara, [(mara.contact_methods.get(kind="voice").pk, 0), (mail.pk, 900)], by=mara)

    page = world.page(world.policy((6000, [mara])))
    call = Notification.objects.get(page=page, channel="voice")
    assert (call.state, call.attempts) == ("waiting", 0)
    assert Notification.objects.get(page=page, address=mail.address).attempts == 1  # came forward
    world.fast_forward(timedelta(seconds=91))

    call.refresh_from_db()
    assert (call.state, call.attempts) == ("handed_over", 1)


@pytest.mark.django_db
def test_a_provider_that_is_left_alone_for_long_holds_up_nobody_else(
    phones: tuple[Phone, Phone], order: Callable[..., None]
) -> None:
    order("voice=first")
    mara, bo = by_phone(), world.person("Bo Silva")
    with world.outbox(world.Outbox()) as box:
        ports._channels["voice"] = {}
        ports.register_channel(phones[0], name="first")
        circuit._lane("first").closed_until = now() + timedelta(hours=1)
        world.page(world.policy((6000, [mara]), (6000, [bo])))
        world.fast_forward(timedelta(seconds=119))
        assert (the_call().state, the_call().attempts) == ("waiting", 0)
        world.fast_forward(timedelta(minutes=2))

    assert (the_call().state, phones[0].taken) == ("failed", [])
    assert [item.message.person_name for item in box.sent] == ["Bo Silva"]


@pytest.mark.django_db
def test_what_a_provider_says_about_the_address_is_told_without_it(phones: tuple[Phone, Phone]) -> None:
    first, second = phones
    first.errors = [DeliveryError(f"the number {NUMBER} is not valid", permanent=True)]
    second.errors = [DeliveryError(f"{NUMBER} refused", permanent=True)]

    page = world.page(world.policy((600, [by_phone()])))

    told = [event.data["why"] for event in timeline.about(page) if event.kind == "notification.failed"]
    assert told == ["the number the address is not valid", "the address refused"]
    assert NUMBER not in str([event.data for event in timeline.about(page)])
