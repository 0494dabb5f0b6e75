"""Phone calls over SIP, through your own telephone system, with programs that stand on this machine."""

from raglan.config import config
from raglan.integrations.sip.channel import Sip, missing
from raglan.paging import ports


def _budget() -> int:
    return config().voice_per_hour


def integration() -> None:
    """Offer the channel. It is asked before a provider that costs money, unless `provider_order` says otherwise."""
    ports.register_channel(Sip(), name="sip", why_off=missing, per_hour=_budget)
