"""A mail that a server took and sends back later counts as refused: for that mail alone, and only when it is signed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError

from raglan.config import Config, config
from raglan.core import mail_in, return_path
from raglan.core.errors import BadInput, Conflict
from raglan.core.mail_in import Mail
from raglan.core.models import Event
from raglan.edge.mail import GOOD, TRY_AGAIN, deliver
from raglan.incidents.models import Incident
from raglan.outside import components, desk, subscribing
from raglan.outside.components import PageDraft
from raglan.outside.desk import Word
from raglan.outside.models import Sending, StatusUpdate, Subscriber
from raglan.people import mail
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.mail_server import Postbox, running
from tests.support.bounces import report

pytestmark = pytest.mark.django_db
Say = Callable[[str], StatusUpdate]
State = Sending.State
BOUNCES = "bounces@127.0.0.1"


class Box(Postbox):
    """Keeps from whom each mail came, and refuses senders where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.senders: list[str] = []
        self.owns = ""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # type: ignore[no-untyped-def]  # noqa: N802
        if self.owns and envelope.mail_from != self.owns:
            return "553 5.7.1 Sender address rejected: not owned by user"
        return str(await super().handle_RCPT(server, session, envelope, address, options))

    async def handle_DATA(self, server, session, envelope) -> str:  # type: ignore[no-untyped-def]  # noqa: N802
        self.senders.append(envelope.mail_from)
        return str(await super().handle_DATA(server, session, envelope))


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    made = Box()
    with running(made) as url:
        for name, value in {"smtp_url": url, "mail_in_port": 8025, "mail_bounces_to": BOUNCES}.items():
            monkeypatch.setattr(config(), name, value)
        yield made


@pytest.fixture
def say(box: Box, room: Incident, bo: Person, mara: Person) -> Say:
    """Tell news to one who asked for it."""
    page = PageDraft(True, "Loomhaven", address="https://status.example.test", takes_subscribers=True)
    components.set_page(page, seen_version=0, actor=mara)
    subscribing.ask("vera@example.test")
    world.fire_all()
    found = Subscriber.objects.get()
    subscribing.confirm(subscribing._sign(found, subscribing.CONFIRM))
    box.senders.clear()

    def said(text: str) -> StatusUpdate:
        made = desk.say(room, Word("looking", text, is_public=True, headline="Buying is slow"), by=bo)
        world.fast_forward(timedelta(seconds=20))
        return made

    return said


def back(to: str, content: bytes | None = None) -> str:
    return deliver("", [to], content or report())


def stands() -> tuple[list[str], list[int]]:
    states = Sending.objects.order_by("pk").values_list("state", flat=True)
    return list(states), list(Subscriber.objects.values_list("refusals", flat=True))


def test_news_that_comes_back_counts_as_refused_once(box: Box, say: Say) -> None:
    say("We look into it.")
    [sender] = box.senders
    assert sender.startswith("bounces+status.")
    assert len(sender.partition("@")[0]) <= 64
    assert "raglan@localhost" in str(box.mails[-1]["From"])
    assert stands() == ([State.SENT], [0])
    assert [back(sender), back(sender.upper())] == [GOOD, GOOD]
    assert stands() == ([State.GIVEN_UP], [1])
    assert Sending.objects.get().problem == Subscriber.objects.get().problem == "came back with 5.1.1"


def test_an_address_whose_mail_comes_back_three_times_is_forgotten(box: Box, say: Say) -> None:
    for text in "abc":
        say(text)
        assert back(box.senders[-1]) == GOOD
    assert not Subscriber.objects.exists()
    told = Event.objects.filter(kind="subscriber.left").values_list("data", flat=True)
    assert [data["why"] for data in told] == ["the address refuses mail"]
    assert back(box.senders[-1]) == GOOD  # it is forgotten already


def test_what_arrives_ends_a_row_of_refusals(box: Box, say: Say) -> None:
    for text in "ab":
        say(text)
        back(box.senders[-1])
    for text in "cd":
        say(text)
    assert stands() == ([State.GIVEN_UP, State.GIVEN_UP, State.SENT, State.SENT], [0])


@pytest.mark.parametrize(
    "content",
    [
        report(action="delayed", status="4.4.1"),
        report(action="failed", status="4.4.7"),
        report(action="delayed", status="5.1.1"),
        report(action="delivered", status="2.0.0"),
        report(action="relayed", status="5.0.0 (not so)"),
        report(status="5.1.1x"),
        report(kind="multipart/mixed"),
        report(more="Final-Recipient: rfc822; other@example.test\nAction: delivered\nStatus: 2.1.5\n"),
        b"Subject: Undelivered\r\n\r\nFinal-Recipient: rfc822; v@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        b"",
    ],
    ids=[
        "late",
        "late for too long",
        "late, it says",
        "brought",
        "handed on",
        "odd",
        "mixed",
        "one of two",
        "words",
        "nothing",
    ],
)
def test_what_does_not_say_refused_for_good_changes_nothing(box: Box, say: Say, content: bytes) -> None:
    say("We look into it.")
    assert deliver("", [box.senders[0]], content) == GOOD
    assert stands() == ([State.SENT], [0])


@pytest.mark.parametrize("to", ["1", "2"])
def test_a_report_to_an_address_that_was_guessed_is_refused(box: Box, say: Say, to: str) -> None:
    say("We look into it.")
    number = Sending.objects.get().pk
    local, _, domain = box.senders[0].partition("@")
    other = return_path.address("mail", f"{number:x}").partition("-")[2].partition("@")[0]
    guessed = {"1": f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}", "2": f"bounces+status.{number:x}-{other}"}
    assert back(f"{guessed[to]}@{domain}").startswith("550 ")
    assert back(f"bounces+status.{number:x}@{domain}").startswith("550 ")
    assert back(f"{local}@elsewhere.example.test").startswith("550 ")
    assert stands() == ([State.SENT], [0])


def test_a_report_that_is_faster_than_our_own_word_comes_again(box: Box, say: Say) -> None:
    say("We look into it.")
    Sending.objects.update(state=State.SENDING)
    assert back(box.senders[0]) == TRY_AGAIN
    with pytest.raises(Conflict):
        mail_in.take(Mail(box.senders[0], "", "", "", bounced="5.1.1"))
    Sending.objects.update(state=State.UNSURE)
    assert back(box.senders[0]) == GOOD
    assert stands() == ([State.GIVEN_UP], [1])


@pytest.mark.parametrize("off", [("mail_in_port", 0), ("mail_bounces_to", "")], ids=["port", "address"])
def test_without_the_listener_or_the_address_mail_leaves_as_before(
    box: Box, say: Say, monkeypatch: pytest.MonkeyPatch, off: tuple[str, object]
) -> None:
    monkeypatch.setattr(config(), *off)
    say("We look into it.")
    assert box.senders == ["raglan@localhost"]


def test_a_server_that_lets_nobody_write_from_there_forgets_nobody(box: Box, say: Say) -> None:
    box.owns = "raglan@localhost"
    for text in "abcd":
        say(text)
    assert box.senders == ["raglan@localhost"] * 4
    assert stands() == ([State.SENT] * 4, [0])


def test_a_mail_to_a_person_that_comes_back_is_told_once_like_one_refused(box: Box, bo: Person) -> None:
    for _ in range(2):
        mail.write("bo@example.test", subject="It is yours", text="It is yours.", about=bo)
    world.fire_all()
    assert all(sender.startswith(f"bounces+mail.person.{bo.pk:x}.") for sender in box.senders)
    assert [back(box.senders[0]), back(box.senders[0]), back(box.senders[1])] == [GOOD] * 3
    told = Event.objects.filter(kind="mail.refused", subjects__subject=f"person:{bo.pk}").order_by("pk")
    assert [event.data["said"] for event in told] == ["came back with 5.1.1"] * 2
    forged = Mail(box.senders[0].replace("-", "-a"), "", "", "", bounced="5.1.1")
    for one in (forged, replace(forged, recipient=forged.recipient.replace("mail.person", "status.person"))):
        with pytest.raises(BadInput):
            mail_in.take(one)


def test_mail_that_is_about_no_row_leaves_as_before(box: Box) -> None:
    mail.write("bo@example.test", subject="Hello", text="Hello", about="people")
    world.fire_all()
    assert box.senders == ["raglan@localhost"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("bounces", "write it as"),
        ("Bounces@raglan.example.test", "write it as"),
        ("a_name_that_is_too_long@raglan.example.test", "write it as"),
        ("alerts@raglan.example.test", "an address of its own"),
        ("reply@raglan.example.test", "an address of its own"),
        ("bounces@example.test", "must be at raglan.example.test"),
    ],
)
def test_an_address_at_which_nothing_would_come_back_is_refused(value: str, words: str) -> None:
    given = {"public_url": "https://raglan.example.test", "mail_reply_to": "reply@raglan.example.test"}
    assert Config(**given, mail_bounces_to="bounces@raglan.example.test").mail_bounces_to
    with pytest.raises(ValidationError, match=words):
        Config(**given, mail_bounces_to=value)
