"""A page as a text message. The reply `4` takes the page, `6` passes it on."""

from datetime import timedelta

from raglan.config import config
from raglan.integrations.twilio import wire
from raglan.paging import replies
from raglan.paging.ports import Message, Outcome, Receipt, Report

MOST = 600
ARRIVED = ("delivered", "read")
LOST = ("undelivered", "failed", "canceled")


class Sms:
    """The channel `sms` by Twilio."""

    kind = "sms"
    ask_after = (timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=3))

    def check(self, address: str) -> None:
        """Refuse what is not a phone number."""
        wire.check_number(address)

    def send(self, address: str, message: Message) -> Receipt:
        """Hand one text over."""
        sender = config().twilio_from
        fields = {"To": address, "Body": words_of(message)}
        fields["MessagingServiceSid" if sender.startswith("MG") else "From"] = sender
        if config().twilio_callbacks and message.token:
            fields["StatusCallback"] = f"{config().public_url}/twilio/sms/{news_token(message)}/"
        return Receipt(provider_id=wire.post("Messages", fields, key=message.key))

    def ask(self, provider_id: str) -> Report | None:
        """Ask what became of a text."""
        return report_of(wire.get("Messages", provider_id))


def news_token(message: Message) -> str:
    """Return the token under which news of this message come in."""
    found = replies.of("reply", message.token)
    return replies.token("news", found.pk) if found else "none"


def words_of(message: Message) -> str:
    """Return the text: what, since when, how to answer, and the link."""
    marks = ("[test] " if message.is_test else "") + ("(may be a repeat) " if message.may_repeat else "")
    answer = "Reply 4: I have it, 6: pass it on. " if config().twilio_callbacks and message.token else ""
    end = f" Since {message.since:%H:%M} UTC. {answer}{message.link}"
    title = plain(message.title)
    return f"{marks}{title[: max(60, MOST - len(end) - len(marks))]}.{end}"


def plain(text: str) -> str:
    """Return one line of what is printable: no control and direction characters, and nothing that XML can not hold."""
    return " ".join(
        "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable()).split()
    )


def report_of(said: dict[str, object]) -> Report | None:
    """Return what a status of Twilio means, or None while it is on its way."""
    status = str(said.get("status") or said.get("MessageStatus") or "")
    if status in ARRIVED:
        return Report(Outcome.RECEIVED)
    if status in LOST:
        code = said.get("error_code") or said.get("ErrorCode") or "no code"
        return Report(Outcome.NOT_REACHED, f"the text message was {status} ({plain(str(code))[:40]})")
    return None
