from django.test import Client

from raglan.core import timeline
from raglan.paging import queries
from raglan.paging.models import Notification, Page
from raglan.people import ports
from raglan.testing import world


def test_a_test_goes_the_whole_way(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")

    sentence = ports.send_test(world.mail_of(mara), mara)
    world.fire_all()

    assert world.mail_of(mara).address in sentence
    assert [item.message.is_test for item in outbox.sent] == [True]
    assert Notification.objects.get().state == Notification.State.HANDED_OVER


def test_a_test_does_not_escalate_and_stands_on_no_screen(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    ports.send_test(world.mail_of(mara), mara)

    world.fast_forward(world.timedelta(hours=2))

    assert len(outbox.sent) == 1
    assert not queries.open_pages().exists()
    assert not timeline.about("now")


def test_the_button_in_a_test_confirms_the_way(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    ports.send_test(world.mail_of(mara), mara)
    world.fire_all()

    answer = Client().post("/p/" + outbox.sent[0].message.link.partition("/p/")[2], {"answer": "have"})

    world.fire_all()
    assert answer.status_code == 302
    assert world.mail_of(mara).confirmed_at is not None
    assert Page.objects.get().state == Page.State.ACKNOWLEDGED
    assert Notification.objects.get().confirmed_at is not None


def test_a_test_that_is_refused_says_so_on_the_profile(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    outbox.refuse(world.mail_of(mara).address, permanent=True)

    ports.send_test(world.mail_of(mara), mara)
    world.fire_all()

    failed = Notification.objects.get()
    assert (failed.state, failed.error) == (Notification.State.FAILED, "the provider said no")


def test_a_test_that_is_passed_on_worries_nobody(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    ports.send_test(world.mail_of(mara), mara)
    world.fire_all()

    Client().post("/p/" + outbox.sent[0].message.link.partition("/p/")[2], {"answer": "pass"})
    world.fast_forward(world.timedelta(hours=1))

    assert Page.objects.get().state == Page.State.TRIGGERED
    assert "page.unanswered" not in [event.kind for event in timeline.about("now")]


def test_a_link_that_came_by_two_ways_proves_neither(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    world.way(mara, "webhook")
    world.page(world.policy((600, [mara])))

    Client().post("/p/" + outbox.sent[0].message.link.partition("/p/")[2], {"answer": "have"})
    world.fire_all()

    assert not mara.contact_methods.filter(confirmed_at__isnull=False).exists()
