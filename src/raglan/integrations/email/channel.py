"""Hands a page to a mail server. A mail that was taken is not yet read: the link in it confirms."""

import hashlib
import smtplib
import unicodedata
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from raglan.config import config
from raglan.core import smtp
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.email import reply
from raglan.paging.ports import Message, Receipt


class Email:
    """The channel `email`."""

    kind = "email"

    def check(self, address: str) -> None:
        """Refuse what is not a mail address."""
        try:
            validate_email(address)
        except ValidationError:
            raise BadInput("address", "write a mail address such as mara@example.org") from None

    def send(self, address: str, message: Message) -> Receipt:
        """Hand over one mail. A 5xx answer is permanent, everything else is worth another try."""
        mail = compose(address, message)
        try:
            smtp.send(mail, address)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise DeliveryError(_said(code, words), permanent=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(_said(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500) from None
        except (smtplib.SMTPException, OSError) as error:
            unknown = isinstance(error, smtplib.SMTPServerDisconnected | TimeoutError)
            why = f"the mail server could not be reached: {error}"
            raise DeliveryError(why, permanent=False, unknown=unknown) from None
        return Receipt(provider_id=str(mail["Message-ID"]))


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"the mail server answered {code} {text}"


def compose(address: str, message: Message) -> EmailMessage:
    """Return the mail: the subject says what, the text what to do; opening its link acknowledges nothing."""
    mail = EmailMessage(policy=SMTP)
    marks = ("[test] " if message.is_test else "") + ("(may be a repeat) " if message.may_repeat else "")
    mail["Subject"] = marks + smtp.subject(message.title)
    mail["From"] = f"raglan <{config().smtp_from}>"
    mail["To"] = address
    mail["Date"] = format_datetime(now())
    domain = config().smtp_from.rpartition("@")[2] or "localhost"
    # The same name for each try, so that a mail server which knows the first one can drop the second.
    mail["Message-ID"] = f"<{name_of(message)}@{domain}>" if message.token else make_msgid(domain=domain)
    mail["In-Reply-To"] = mail["References"] = f"<page-{message.page_id}@{domain}>"
    if reply_to := reply.address(message.token):
        mail["Reply-To"] = reply_to
    mail["X-Raglan"] = "page"
    mail["X-Raglan-Key"] = message.key
    mail["Auto-Submitted"] = "auto-generated"
    lines = [
        message.title,
        "",
        f"Since {message.since:%d %b %H:%M} UTC. You are paged because: {message.why}.",
        *(["", message.text] if message.text else []),
        "",
        "Open this to answer (opening it alone tells nobody anything):",
        message.link,
        *(["", "Or reply with ack in the first line to take it, or with pass to pass it on."] if reply_to else []),
        *(["", message.next_words] if message.next_words else []),
        *(["", "raglan was cut off while sending this, so it may reach you twice."] if message.may_repeat else []),
    ]
    mail.set_content("\n".join(visible(line) for line in lines))
    return mail


def name_of(message: Message) -> str:
    """Return a name that only this message has and that gives nothing away: names of mails stand in many logs."""
    return hashlib.sha256(f"raglan.message-id:{message.token}".encode()).hexdigest()[:40]


def visible(text: str) -> str:
    """Take out control and direction characters, which can make a text look like another one."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in smtp.UNSEEN)
