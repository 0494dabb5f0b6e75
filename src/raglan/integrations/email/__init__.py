"""Pages by email over SMTP."""

from raglan.integrations.email.channel import Email
from raglan.paging import ports


def integration() -> None:
    """Offer the channel."""
    ports.register_channel(Email())
