"""Alerts by mail: an address of its own for each source."""

from raglan.alerts import ports
from raglan.core import mail_in
from raglan.integrations.mail_in.reader import Letter, take


def integration() -> None:
    """Take mail to `alerts+TOKEN@…`."""
    mail_in.register_mail_handler(take)
    ports.register_door(Letter())
