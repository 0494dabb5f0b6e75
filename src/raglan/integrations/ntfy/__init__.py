"""Pages as push messages by an ntfy server, with buttons that answer."""

from raglan.integrations.ntfy.channel import Ntfy, missing
from raglan.paging import ports


def integration() -> None:
    """Offer the channel."""
    ports.register_channel(Ntfy(), why_off=missing)
