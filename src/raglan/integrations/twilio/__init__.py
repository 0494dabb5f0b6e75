"""Text messages and phone calls through Twilio, or whatever speaks its API."""

from raglan.config import config
from raglan.integrations.twilio.call import Call
from raglan.integrations.twilio.sms import Sms
from raglan.integrations.twilio.wire import missing
from raglan.paging import ports


def _texts() -> int:
    return config().sms_per_hour


def _calls() -> int:
    return config().voice_per_hour


def integration() -> None:
    """Offer both channels."""
    ports.register_channel(Sms(), name="twilio", why_off=missing, per_hour=_texts)
    ports.register_channel(Call(), name="twilio", why_off=missing, per_hour=_calls)
