"""Pages by any service that Apprise knows, where an extra package is installed."""

from raglan.integrations.apprise.channel import Apprise, missing
from raglan.paging import ports


def integration() -> None:
    """Offer the channel."""
    ports.register_channel(Apprise(), why_off=missing)
