"""A page as a phone call: it is spoken, and a key answers. A machine that takes the call has not been reached."""

from datetime import timedelta
from html import escape

from raglan.config import config
from raglan.integrations.twilio import wire
from raglan.integrations.twilio.sms import news_token, plain
from raglan.paging.ports import Message, Outcome, Receipt, Report

MACHINES = ("machine", "fax")
NOBODY = {
    "busy": "the line was busy",
    "no-answer": "nobody took the call",
    "failed": "the call could not be made",
    "canceled": "the call was cancelled",
}
KEYS = {"4": "have", "6": "pass"}
RING_S = 25  # less than most voicemails wait


class Call:
    """The channel `voice` by Twilio."""

    kind = "voice"
    ask_after = (timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=60), timedelta(minutes=3))

    def check(self, address: str) -> None:
        """Refuse what is not a phone number."""
        wire.check_number(address)

    def send(self, address: str, message: Message) -> Receipt:
        """Start one call."""
        fields = {
            "To": address,
            "From": config().twilio_voice_from or config().twilio_from,
            "MachineDetection": "Enable",
            "Timeout": str(RING_S),
        }
        if config().twilio_callbacks and message.token:
            token = news_token(message)
            fields["Url"] = f"{config().public_url}/twilio/call/{token}/"
            fields["StatusCallback"] = f"{config().public_url}/twilio/voice/{token}/"
        else:
            fields["Twiml"] = response(say(spoken(message)), say(spoken(message)))
        return Receipt(provider_id=wire.post("Calls", fields, key=message.key))

    def ask(self, provider_id: str) -> Report | None:
        """Ask what became of a call."""
        return report_of(wire.get("Calls", provider_id))


def spoken(message: Message) -> str:
    """Return what is said first: who is asked, what it is, and since when."""
    test = "This is a test. " if message.is_test else ""
    repeat = "This may be a repeat. " if message.may_repeat else ""
    return f"{test}{repeat}raglan pages {plain(message.person_name)}. {plain(message.title)[:200]}."


def report_of(said: dict[str, object]) -> Report | None:
    """Return what the end of a call means. That it was taken is not that somebody heard it: only a key is."""
    status = str(said.get("status") or said.get("CallStatus") or "")
    by = str(said.get("answered_by") or said.get("AnsweredBy") or "")
    if status in NOBODY:
        return Report(Outcome.NOT_REACHED, NOBODY[status])
    if status != "completed":
        return None
    if by.startswith(MACHINES):
        return Report(Outcome.NOT_REACHED, "an answering machine took the call")
    return Report(Outcome.NOT_REACHED, "the call was taken and no key was pressed")


def response(*verbs: str) -> str:
    """Return a document that tells Twilio what to do."""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'


def say(words: str) -> str:
    """Return the verb that speaks."""
    return f"<Say>{escape(words)}</Say>"


def ask_for_key(words: str, address: str) -> str:
    """Return the verb that speaks, waits for one key and calls an address with it."""
    return f'<Gather numDigits="1" timeout="6" action="{escape(address)}" method="POST">{say(words)}</Gather>'
