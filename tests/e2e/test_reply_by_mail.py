"""A page by mail, and the reply to it through raglan's own listener, as a mail program and its server send it."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.support.ports import free_port
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
DOMAIN = "raglan.example.test"


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    port = free_port()
    with serving(mail_in_port=str(port), mail_in_domain=DOMAIN, mail_reply_to=f"reply@{DOMAIN}") as running:
        set_up_web_team(running)
        running.people["mail_in"] = port
        yield running


def paged(running: Running, title: str) -> tuple[int, EmailMessage]:
    made = running.api("POST", "/pages", {"person_id": running.people["mara"], "title": title})
    assert isinstance(made, dict)
    mails = until(lambda: [mail for mail in running.mailbox.to("mara@example.test") if title in str(mail["Subject"])])
    assert isinstance(mails, list)
    return int(made["id"]), mails[0]


def reply(running: Running, sent: EmailMessage, text: str, **headers: str) -> int:
    """Send a reply; return what the listener answered."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "mara@example.test", sent["Reply-To"]
    mail["Subject"], mail["In-Reply-To"] = f"Re: {sent['Subject']}", sent["Message-ID"]
    mail["Message-ID"] = f"<{abs(hash((text, sent['Message-ID'])))}@example.test>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", running.people["mail_in"], timeout=60) as server:
        try:
            server.send_message(mail, to_addrs=[str(sent["Reply-To"])])
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
        except smtplib.SMTPRecipientsRefused as refused:
            return next(iter(refused.recipients.values()))[0]
    return 250


def state_of(running: Running, page: int) -> str:
    shown = running.api("GET", f"/pages/{page}")
    assert isinstance(shown, dict)
    return str(shown["state"])


def test_a_reply_takes_the_page(raglan: Running) -> None:
    page, sent = paged(raglan, "The shop is down")

    assert reply(raglan, sent, "ack\n\n> You are paged because") == 250

    assert state_of(raglan, page) == "acknowledged"


def test_a_program_that_answers_by_itself_takes_nothing(raglan: Running) -> None:
    page, sent = paged(raglan, "The shop is slow")
    before = len(raglan.mailbox.mails)

    reply(raglan, sent, "Yes, I am out of the office.", Auto_Submitted="auto-replied")

    assert state_of(raglan, page) == "triggered"
    assert len(raglan.mailbox.mails) == before


def test_a_reply_that_says_something_else_is_refused(raglan: Running) -> None:
    page, sent = paged(raglan, "The mail queue grows")

    assert reply(raglan, sent, "What is this about?") == 550

    assert state_of(raglan, page) == "triggered"
