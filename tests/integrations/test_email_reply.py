"""A reply to a mail is an answer: what raglan sent is answered as a mail program does."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest

from raglan.core import mail_in, timeline
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput
from raglan.core.mail_in import Mail
from raglan.paging.models import Notification, Page
from raglan.testing import world
from tests.integrations.mail_server import Postbox, running

pytestmark = pytest.mark.django_db
ADDRESS = "reply@raglan.example.test"


@pytest.fixture
def postbox(options: Callable[..., None]) -> Iterator[Postbox]:
    box = Postbox()
    with running(box) as url:
        options(smtp_url=url, mail_reply_to=ADDRESS)
        yield box


@pytest.fixture
def paged(postbox: Postbox) -> tuple[Page, EmailMessage]:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((600, [mara]), (600, [bo])))
    return page, postbox.mails[0]


def reply_to(sent: EmailMessage, text: str) -> Mail:
    """Answer as a mail program does."""
    return Mail(
        recipient=str(sent["Reply-To"]),
        sender=str(sent["To"]),
        subject=f"Re: {sent['Subject']}",
        text=f"{text}\n\nOn Monday raglan wrote:\n> {sent.get_content().replace(chr(10), chr(10) + '> ')}",
        message_id="<answer@example.test>",
        in_reply_to=str(sent["Message-ID"]),
        references=(str(sent["References"]), str(sent["Message-ID"])),
    )


def state_of(page: Page) -> str:
    page.refresh_from_db()
    return page.state


def test_ack_takes_the_page_and_twice_is_once(paged: tuple[Page, EmailMessage]) -> None:
    page, sent = paged
    assert "reply with ack" in sent.get_content()

    became = [mail_in.take(reply_to(sent, "Ack, on it")) for _ in range(2)]

    assert became == [f"page {page.pk}: You have it."] * 2
    assert (state_of(page), page.acknowledged_by and page.acknowledged_by.name) == ("acknowledged", "Mara Keller")
    told = [event.data["via"] for event in timeline.about(page) if event.kind == "page.acknowledged"]
    assert told == ["reply"]
    assert Notification.objects.get(page=page).confirmed_at is not None


def test_pass_passes_it_on(paged: tuple[Page, EmailMessage]) -> None:
    assert mail_in.take(reply_to(paged[1], "\n  PASS\n")) == f"page {paged[0].pk}: Passed on. Bo Silva is next."


def test_a_sentence_that_begins_like_an_answer_is_refused_and_takes_nothing(paged: tuple[Page, EmailMessage]) -> None:
    with pytest.raises(BadInput, match="ack or pass"):
        mail_in.take(reply_to(paged[1], "Have you seen this?"))

    assert state_of(paged[0]) == "triggered"


def test_words_go_on_further_lines(paged: tuple[Page, EmailMessage]) -> None:
    mail_in.take(reply_to(paged[1], "ack\n\nHave you seen db2?"))

    assert state_of(paged[0]) == "acknowledged"


def test_what_we_wrote_ourselves_is_no_answer(paged: tuple[Page, EmailMessage]) -> None:
    page, sent = paged

    with pytest.raises(BadInput, match="ack or pass"):
        mail_in.take(reply_to(sent, ""))
    with pytest.raises(BadInput, match="ack or pass"):
        mail_in.take(replace(reply_to(sent, ""), text="> ack\n> reply with ack"))

    assert state_of(page) == "triggered"


def test_a_program_that_answers_mail_takes_nothing_and_gets_nothing(
    paged: tuple[Page, EmailMessage], postbox: Postbox
) -> None:
    page, sent = paged
    mails = len(postbox.mails)

    became = mail_in.take(replace(reply_to(sent, "ok"), is_automatic=True))
    world.fire_all()

    assert (became, state_of(page), len(postbox.mails)) == ("left alone: a program sent it", "triggered", mails)


def test_names_of_mails_prove_nothing(paged: tuple[Page, EmailMessage]) -> None:
    page, sent = paged
    token = str(sent["Reply-To"]).partition("+")[2].partition("@")[0]

    with pytest.raises(BadInput, match="can not be answered"):
        mail_in.take(replace(reply_to(sent, "ack"), recipient=ADDRESS))

    assert token not in str(sent["Message-ID"])
    assert token not in Notification.objects.get(page=page).provider_id
    assert state_of(page) == "triggered"


@pytest.mark.parametrize("token", ["", "1-" + "0" * 24, "x", "../../etc", "1f-" + "g" * 24])
def test_an_address_that_was_guessed_changes_nothing(paged: tuple[Page, EmailMessage], token: str) -> None:
    page, sent = paged
    guessed = replace(
        reply_to(sent, "ack"), recipient=f"reply+{token}@raglan.example.test", in_reply_to="", references=()
    )

    with pytest.raises(BadInput, match="can not be answered"):
        mail_in.take(guessed)

    assert state_of(page) == "triggered"


def test_a_reply_after_three_days_is_too_late(paged: tuple[Page, EmailMessage]) -> None:
    CLOCK.move(timedelta(hours=73))

    with pytest.raises(BadInput, match="older than three days"):
        mail_in.take(reply_to(paged[1], "ack"))


def test_mail_for_others_is_left_to_them(paged: tuple[Page, EmailMessage]) -> None:
    from raglan.integrations.email.reply import take_reply

    for recipient in (
        "alerts+abc@raglan.example.test",
        "reply+abc@elsewhere.example.test",
        "replying@raglan.example.test",
    ):
        assert take_reply(replace(reply_to(paged[1], "ack"), recipient=recipient)) is None


def test_all_mails_of_a_page_are_one_thread_and_each_has_its_own_name(postbox: Postbox) -> None:
    world.page(world.policy((600, [world.person("Mara Keller"), world.person("Bo Silva")])))

    first, second = postbox.mails
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Reply-To"] != second["Reply-To"]


def test_without_an_address_for_replies_mails_have_none(postbox: Postbox, options: Callable[..., None]) -> None:
    options(mail_reply_to="")

    world.page(world.policy((600, [world.person("Mara Keller")])))

    assert postbox.mails[0]["Reply-To"] is None
    assert "reply with" not in postbox.mails[0].get_content()
