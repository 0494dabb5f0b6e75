"""Pages by email over SMTP, and replies to them."""

from raglan.core.mail_in import register_mail_handler
from raglan.integrations.email.channel import Email
from raglan.integrations.email.reply import take_reply
from raglan.paging import ports


def integration() -> None:
    """Offer the channel, and take replies."""
    ports.register_channel(Email())
    register_mail_handler(take_reply)
