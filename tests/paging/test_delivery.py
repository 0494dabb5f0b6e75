from collections.abc import Iterator
from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.core.db import in_write
from raglan.core.errors import DeliveryError
from raglan.core.models import Event, Timer
from raglan.paging import actions, ports
from raglan.paging.models import Notification, NotificationRule, Page, Reached
from raglan.people.models import Person
from raglan.testing import world

HOUR = timedelta(hours=1)


def with_two_ways(wait_s: int = 300) -> tuple[Person, str, str]:
    """A person whose mail goes first and whose webhook follows."""
    mara = world.person("Mara Keller")
    mail, hook = world.mail_of(mara), world.way(mara, "webhook")
    NotificationRule.objects.create(person=mara, contact=mail, delay_s=0)
    NotificationRule.objects.create(person=mara, contact=hook, delay_s=wait_s)
    return mara, mail.address, hook.address


def failures(page: Page) -> list[dict[str, object]]:
    return [event.data for event in timeline.about(page) if event.kind == "notification.failed"]


def test_a_persons_own_rules_say_which_way_comes_when(outbox: world.Outbox) -> None:
    mara, mail, hook = with_two_ways()
    world.page(world.policy((1800, [mara])))

    world.fast_forward(timedelta(seconds=290))
    assert outbox.addresses == [mail]
    world.fast_forward(timedelta(seconds=20))

    assert outbox.addresses == [mail, hook]


def test_without_rules_every_way_is_used_at_once(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    world.way(mara, "webhook")

    world.page(world.policy((300, [mara])))

    assert sorted(item.kind for item in outbox.sent) == ["email", "webhook"]


def test_a_failure_brings_the_next_way_forward(outbox: world.Outbox) -> None:
    mara, mail, hook = with_two_ways()
    outbox.refuse(mail)

    world.page(world.policy((1800, [mara])))

    assert outbox.addresses == [hook]


def test_a_failure_for_now_is_tried_again_within_a_minute(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    mail = world.mail_of(mara).address
    outbox.refuse(mail, times=3)
    page = world.page(world.policy((1800, [mara])))

    world.fast_forward(timedelta(seconds=61))

    assert outbox.tried == [mail] * 4
    assert outbox.addresses == [mail]
    assert [failure["permanent"] for failure in failures(page)] == [False] * 3


def test_a_failure_for_good_is_not_tried_again(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(world.mail_of(mara).address, permanent=True)

    page = world.page(world.policy((1800, [mara])))
    world.fast_forward(timedelta(minutes=5))

    assert len(outbox.tried) == 1
    assert failures(page)[0]["permanent"] is True


def test_when_every_way_fails_the_next_person_is_tried_at_once(outbox: world.Outbox) -> None:
    (mara, mail, hook), bo = with_two_ways(), world.person("Bo Silva")
    for address in (mail, hook):
        outbox.refuse(address, permanent=True)

    page = world.page(world.policy((1800, [mara]), (1800, [bo])))

    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]
    assert Reached.objects.get(page=page, person=mara).answer == Reached.Answer.UNREACHABLE
    assert "page.person_unreachable" in [event.kind for event in timeline.about("now")]


def test_a_person_without_any_way_is_unreachable_at_once(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    mara.contact_methods.all().delete()

    world.page(world.policy((1800, [mara]), (1800, [bo])))

    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]


def test_one_bad_recipient_does_not_hold_up_the_others(outbox: world.Outbox) -> None:
    people = [world.person(name) for name in ("Mara Keller", "Bo Silva", "Ines Roth")]
    outbox.breaks(world.mail_of(people[0]).address, RuntimeError("a fault of our own"))

    world.page(world.policy((1800, people)))

    assert sorted(item.message.person_name for item in outbox.sent) == ["Bo Silva", "Ines Roth"]


def test_a_channel_whose_code_raises_counts_as_failed_after_three_tries(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    outbox.breaks(world.mail_of(mara).address, RuntimeError("a fault of our own"))
    page = world.page(world.policy((1800, [mara]), (1800, [bo])))

    world.fast_forward(timedelta(minutes=1))

    assert world.states_of(page)[world.mail_of(mara).address] == "failed"
    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]


def test_a_channel_that_nobody_offers_fails_and_the_next_way_is_used(outbox: world.Outbox) -> None:
    mara, mail, hook = with_two_ways()
    mara.contact_methods.filter(address=mail).update(kind="pigeon")

    world.page(world.policy((1800, [mara])))

    assert outbox.addresses == [hook]


def test_handed_over_received_and_confirmed_are_three_facts(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((300, [mara])))
    sent = Notification.objects.get(page=page)
    assert sent.handed_over_at is not None
    assert (sent.received_at, sent.confirmed_at) == (None, None)

    actions.acknowledge(page, by=mara, via=actions.Via.LINK)
    sent.refresh_from_db()

    assert sent.confirmed_at is not None
    assert sent.received_at is None


def test_an_answer_confirms_only_the_messages_of_whoever_answered(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((300, [mara, bo])))

    actions.acknowledge(page, by=mara, via=actions.Via.LINK)

    confirmed = Notification.objects.filter(page=page, confirmed_at__isnull=False)
    assert [item.person for item in confirmed] == [mara]


def test_a_provider_that_says_received_is_believed(outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "take", lambda *_: ports.Receipt("provider-1", received=True))

    page = world.page(world.policy((300, [world.person()])))

    sent = Notification.objects.get(page=page)
    assert sent.received_at is not None
    assert (sent.provider_id, sent.confirmed_at) == ("provider-1", None)


def test_nothing_is_sent_inside_a_transaction(outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    monkeypatch.setattr(outbox, "take", lambda *_: inside.append(in_write()) or ports.Receipt())

    world.page(world.policy((300, [world.person()])))

    assert inside == [False]


def test_each_try_of_one_message_has_the_same_key(outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    def take(kind: str, address: str, message: ports.Message) -> ports.Receipt:
        keys.append(message.key)
        raise DeliveryError("not now", permanent=False)

    monkeypatch.setattr(outbox, "take", take)
    world.page(world.policy((1800, [world.person()])))
    world.fast_forward(timedelta(minutes=2))

    assert len(keys) == 4
    assert len(set(keys)) == 1


@pytest.mark.parametrize(("unknown", "marks"), [(False, [False, False]), (True, [False, True])])
def test_a_try_after_one_whose_answer_was_lost_says_that_it_may_be_a_repeat(
    outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, *, unknown: bool, marks: list[bool]
) -> None:
    seen: list[bool] = []

    def take(kind: str, address: str, message: ports.Message) -> ports.Receipt:
        seen.append(message.may_repeat)
        if len(seen) == 1:
            raise DeliveryError("it answered too slowly", permanent=False, unknown=unknown)
        return ports.Receipt()

    monkeypatch.setattr(outbox, "take", take)
    world.page(world.policy((1800, [world.person()])))
    world.fast_forward(timedelta(minutes=2))

    assert seen == marks


def test_a_message_says_what_happens_when_nobody_answers(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")

    world.page(world.policy((300, [mara]), (300, [bo])))

    assert outbox.sent[0].message.next_words == "If nobody answers, Bo Silva is paged in 5 min."


def test_what_was_handed_over_is_told_with_its_person_and_channel(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")

    world.page(world.policy((300, [mara])))

    data = Event.objects.get(kind="notification.handed_over").data
    assert (data["person"], data["channel"], data["attempt"], data["may_repeat"]) == (mara.pk, "email", 1, False)


def test_an_answer_while_a_message_is_on_its_way_stops_what_would_follow(outbox: world.Outbox) -> None:
    mara, ines = world.person("Mara Keller"), world.person("Ines Roth")
    outbox.meanwhile = lambda: actions.acknowledge(Page.objects.latest("pk"), by=ines, via=actions.Via.LINK)

    page = world.page(world.policy((60, [ines]), (60, [mara])))
    world.fast_forward(timedelta(minutes=5))

    assert world.states_of(page) == {world.mail_of(ines).address: "handed_over"}


def test_a_message_that_fails_while_somebody_answers_is_not_tried_again(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(world.mail_of(mara).address)
    outbox.meanwhile = lambda: actions.acknowledge(Page.objects.get(), by=mara, via=actions.Via.LINK)

    page = world.page(world.policy((300, [mara])))
    world.fast_forward(timedelta(minutes=5))

    assert (outbox.sent, len(outbox.tried)) == ([], 1)
    assert world.states_of(page) == {world.mail_of(mara).address: "cancelled"}


def test_a_persons_later_ways_go_on_beside_the_next_step(outbox: world.Outbox) -> None:
    (mara, mail, hook), bo = with_two_ways(300), world.person("Bo Silva")

    world.page(world.policy((180, [mara]), (1800, [bo])))
    world.fast_forward(timedelta(seconds=310))

    assert outbox.addresses == [mail, world.mail_of(bo).address, hook]


def test_who_answers_while_their_last_way_fails_has_it_and_is_not_called_unreachable(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(world.mail_of(mara).address, permanent=True)
    outbox.meanwhile = lambda: actions.acknowledge(Page.objects.get(), by=mara, via=actions.Via.SCREEN)

    page = world.page(world.policy((300, [mara]), (300, [world.person("Bo Silva")])))

    assert Reached.objects.get(page=page).answer == Reached.Answer.HAS_IT
    assert "page.person_unreachable" not in [event.kind for event in timeline.about(page)]


# An outage of all providers -----------------------------------------------------------------------------------------


class Uplink(world.Outbox):
    """A provider behind a line that can be cut."""

    is_down = True

    def take(self, kind: str, address: str, message: ports.Message) -> ports.Receipt:
        if self.is_down:
            self.tried.append(address)
            raise DeliveryError("the uplink is down", permanent=False)
        return super().take(kind, address, message)


@pytest.fixture
def uplink(db: None) -> Iterator[Uplink]:
    with world.outbox(Uplink()) as box:
        yield box


def kinds(page: Page) -> list[str]:
    return [event.kind for event in timeline.about(page)]


@pytest.mark.parametrize("minutes", [10, 90])
def test_a_page_outlives_an_outage_of_the_only_provider(uplink: Uplink, minutes: int) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((300, [mara]), (300, [bo]), repeat=1))
    world.fast_forward(timedelta(minutes=minutes))
    page.refresh_from_db()
    assert (page.state, uplink.sent) == (Page.State.UNANSWERED, [])
    assert kinds(page).count("page.unanswered") == 1

    uplink.is_down = False
    world.fast_forward(timedelta(minutes=8))

    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED
    assert uplink.sent
    world.fast_forward(timedelta(minutes=60))
    page.refresh_from_db()
    assert {item.message.person_name for item in uplink.sent} == {"Mara Keller", "Bo Silva"}
    assert (page.state, page.next_step_at) == (Page.State.UNANSWERED, None)  # they had it, and did not answer
    assert not Timer.objects.filter(kind=actions.ESCALATE).exists()


def test_the_plan_of_a_page_is_tried_again_and_not_only_its_fallback(uplink: Uplink) -> None:
    world.administrator("Ada Lamb")
    page = world.page(world.policy((300, [world.person("Mara Keller")])))
    world.fast_forward(timedelta(minutes=30))
    assert "page.fell_back" in kinds(page)

    uplink.is_down = False
    world.fast_forward(timedelta(minutes=15))

    assert "Mara Keller" in [item.message.person_name for item in uplink.sent]


def test_tries_in_an_outage_are_calm(uplink: Uplink) -> None:
    page = world.page(world.policy((300, [world.person("Mara Keller")])))

    world.fast_forward(timedelta(hours=2))

    assert 10 <= kinds(page).count("page.tries_on") <= 30


def test_whoever_takes_a_page_in_an_outage_ends_its_tries(uplink: Uplink) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((300, [mara])))
    world.fast_forward(timedelta(minutes=30))
    actions.acknowledge(page, by=mara, via=actions.Via.SCREEN)

    uplink.is_down = False
    world.fast_forward(timedelta(minutes=30))

    page.refresh_from_db()
    assert (page.state, uplink.sent) == (Page.State.ACKNOWLEDGED, [])


def test_a_page_that_is_over_is_tried_no_more(uplink: Uplink) -> None:
    page = world.page(world.policy((300, [world.person("Mara Keller")])))
    world.fast_forward(timedelta(minutes=30))
    actions.resolve(page, why="over")

    uplink.is_down = False
    world.fast_forward(timedelta(minutes=30))

    assert uplink.sent == []


def test_a_page_whose_messages_failed_for_good_is_not_tried_again(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(world.mail_of(mara).address, permanent=True, times=9)
    page = world.page(world.policy((300, [mara])))

    world.fast_forward(timedelta(hours=1))

    page.refresh_from_db()
    assert (page.state, page.next_step_at, len(outbox.tried)) == (Page.State.UNANSWERED, None, 1)
