"""Nagios and Icinga, by the command `raglan-notify`."""

from raglan.alerts import ports
from raglan.integrations.nagios.doors import Notification


def integration() -> None:
    """Open the door."""
    ports.register_door(Notification())
