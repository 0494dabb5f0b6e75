"""Alerts by mail: an address of its own for each source. Heads-ups by mail: one for each person who wants it."""

from raglan.alerts import ports
from raglan.core import mail_in
from raglan.integrations.mail_in import heads_ups
from raglan.integrations.mail_in.reader import Letter, take


def integration() -> None:
    """Take mail to `alerts+TOKEN@…` and `headsup+TOKEN@…`."""
    mail_in.register_mail_handler(take)
    mail_in.register_mail_handler(heads_ups.take)
    ports.register_door(Letter())
