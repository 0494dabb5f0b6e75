"""The email channel against a real SMTP server, and against rude ones."""

from collections.abc import Callable, Iterator

import pytest

from raglan.core import smtp
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.email.channel import Email
from raglan.paging.ports import Message
from raglan.people.mail import hand_over
from tests.integrations import mail_server
from tests.integrations.mail_server import Postbox
from tests.support.pace import timed

Make = Callable[..., Message]
Options = Callable[..., None]


@pytest.fixture
def postbox(options: Options) -> Iterator[Postbox]:
    box = Postbox()
    with mail_server.running(box) as url:
        options(smtp_url=url, smtp_from="pager@example.test")
        yield box


def test_a_page_is_handed_over_as_a_mail(postbox: Postbox, message: Make) -> None:
    receipt = Email().send("mara@example.test", message())

    mail = postbox.mails[0]
    assert postbox.recipients == ["mara@example.test"]
    assert mail["Subject"] == "Apache is not running on web-014"
    assert mail["X-Raglan-Key"] == "12:0.0:3:email:0"
    assert receipt.provider_id == mail["Message-ID"]
    assert receipt.received is False
    for words in ("https://raglan.example.test/p/abc/", "Since the roll-out of 14:02.", "Bo Silva is paged in 5 min"):
        assert words in mail.get_content()


def test_mails_of_one_page_belong_together_and_are_no_occasion_for_automatic_answers(
    postbox: Postbox, message: Make
) -> None:
    for key in ("a", "b"):
        Email().send("mara@example.test", message(key=key))

    assert {mail["References"] for mail in postbox.mails} == {"<page-12@example.test>"}
    assert {mail["Auto-Submitted"] for mail in postbox.mails} == {"auto-generated"}


def test_a_repeat_says_so(postbox: Postbox, message: Make) -> None:
    Email().send("mara@example.test", message(may_repeat=True))

    assert postbox.mails[0]["Subject"].startswith("(may be a repeat) ")
    assert "it may reach you twice" in postbox.mails[0].get_content()


def test_a_test_says_so(postbox: Postbox, message: Make) -> None:
    Email().send("mara@example.test", message(is_test=True))

    assert postbox.mails[0]["Subject"].startswith("[test] ")


def test_letters_of_all_scripts_arrive(postbox: Postbox, message: Make) -> None:
    Email().send("mara@example.test", message(title="Zürich: кластер 集群 is down 🔥"))

    assert postbox.mails[0]["Subject"] == "Zürich: кластер 集群 is down 🔥"


@pytest.mark.parametrize("trick", ["x\r\nBcc: eve@example.test", "x\nBcc: eve@example.test", "x\x00\x1b[2J\u202egnp"])
def test_nothing_in_a_title_becomes_a_header_or_a_trick(postbox: Postbox, message: Make, trick: str) -> None:
    Email().send("mara@example.test", message(title=trick, text=trick))

    mail = postbox.mails[0]
    assert (mail["Bcc"], postbox.recipients) == (None, ["mara@example.test"])
    assert not set("\x00\x1b\u202e") & set(mail["Subject"] + mail.get_content())


DECODED = [
    "=?utf-8?q?x=0ABcc:_eve@example.test?=",
    "=?utf-8?q?=0A=0Athis_is_the_text?=",
    "=?utf-8?b?eApYOiB5?= down",
    "=?unicode_escape?q?=5Cud800?=",
    "=?utf-8?q?=00=ff?=",
    "=\u200b?utf-8?q?=0ABcc:_x?=",
    "x\u2028=?utf-8?q?=0D=0AX:_y?=",
]


@pytest.mark.parametrize("title", DECODED)
def test_nothing_in_a_title_is_decoded_on_its_way_into_the_subject(postbox: Postbox, message: Make, title: str) -> None:
    Email().send("mara@example.test", message(title=title))
    Email().send("mara@example.test", message())
    hand_over("mara@example.test", title, "words", {})

    odd, usual, other = postbox.mails
    assert odd.keys() == usual.keys()
    assert odd["Subject"] == other["Subject"] == smtp.subject(title)
    assert (other["Bcc"], other["X"], other.get_content().strip()) == (None, None, "words")
    assert "https://raglan.example.test/p/abc/" in odd.get_content()


def test_a_very_long_title_is_cut_in_the_subject_only(postbox: Postbox, message: Make) -> None:
    Email().send("mara@example.test", message(title="x" * 5000))

    assert len(postbox.mails[0]["Subject"]) == 200


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("answer", "permanent"), [("550 no such user", True), ("451 come back later", False)])
def test_a_refusal_says_whether_trying_again_can_help(
    postbox: Postbox, message: Make, step: str, answer: str, permanent: bool
) -> None:
    postbox.answers[step] = answer

    with pytest.raises(DeliveryError, match=answer[4:]) as caught:
        Email().send("mara@example.test", message())

    assert caught.value.permanent is permanent
    assert postbox.mails == []


@pytest.mark.parametrize("answer", ["421 too busy to say goodbye", "500 what?"])
def test_a_mail_that_was_taken_is_handed_over_whatever_the_server_says_to_goodbye(
    postbox: Postbox, message: Make, answer: str
) -> None:
    postbox.answers["QUIT"] = answer

    Email().send("mara@example.test", message())

    assert len(postbox.mails) == 1


@pytest.mark.parametrize("talk", [mail_server.drips, mail_server.hangs])
def test_a_server_that_does_not_come_to_an_end_is_left_at_the_deadline(
    options: Options, message: Make, talk: Callable[..., object]
) -> None:
    with mail_server.rude(talk) as url:  # type: ignore[arg-type]  # one of two with its type
        options(smtp_url=url, send_deadline_s=0.6)

        with timed() as pace, pytest.raises(DeliveryError) as caught:
            Email().send("mara@example.test", message())

    assert pace.s < 5
    assert not caught.value.permanent


@pytest.mark.parametrize("talk", [mail_server.drops, mail_server.rubbish])
def test_a_server_that_breaks_off_is_tried_again(options: Options, message: Make, talk: Callable[..., object]) -> None:
    with mail_server.rude(talk) as url:  # type: ignore[arg-type]  # one of two with its type
        options(smtp_url=url)

        with pytest.raises(DeliveryError) as caught:
            Email().send("mara@example.test", message())

    assert not caught.value.permanent


@pytest.mark.parametrize("back", ["", "bounces+x@example.test"])
def test_a_server_that_refuses_for_good_and_hangs_up_has_refused_for_good(options: Options, back: str) -> None:
    with mail_server.rude(mail_server.refuses_and_drops) as url:
        options(smtp_url=url)

        with pytest.raises(DeliveryError, match="refused with 550") as caught:
            hand_over("x@example.test", "News", "Words.", {}, return_path=back)

    assert caught.value.permanent


def test_a_server_that_refuses_and_comes_to_no_end_is_tried_again(options: Options) -> None:
    with mail_server.rude(mail_server.refuses_and_hangs) as url:
        options(smtp_url=url, send_deadline_s=0.3)

        with pytest.raises(DeliveryError) as caught:
            hand_over("x@example.test", "News", "Words.", {}, return_path="bounces+x@example.test")

    assert not caught.value.permanent


def test_nobody_at_the_address_is_a_failure_for_now(options: Options, message: Make) -> None:
    options(smtp_url="smtp://127.0.0.1:1")

    with pytest.raises(DeliveryError, match="could not be reached") as caught:
        Email().send("mara@example.test", message())

    assert not caught.value.permanent


def test_mail_that_is_switched_off_is_a_failure_for_good(options: Options, message: Make) -> None:
    options(smtp_url="")

    with pytest.raises(DeliveryError, match="switched off") as caught:
        Email().send("mara@example.test", message())

    assert caught.value.permanent


@pytest.mark.parametrize("address", ["mara", "mara@", "@example.test", "a b@example.test", "x\n@example.test", ""])
def test_what_is_not_a_mail_address_is_refused_when_saved(address: str) -> None:
    with pytest.raises(BadInput) as caught:
        Email().check(address)

    assert caught.value.field == "address"


def test_a_mail_address_is_taken() -> None:
    Email().check("mara.keller+pager@mail.example.test")
