"""Pages as signed JSON to an address of the person's own."""

from raglan.integrations.webhook.channel import Webhook
from raglan.paging import ports


def integration() -> None:
    """Offer the channel."""
    ports.register_channel(Webhook())
