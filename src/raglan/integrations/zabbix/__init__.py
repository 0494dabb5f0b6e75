"""Zabbix, by raglan's own media type."""

from raglan.alerts import ports
from raglan.integrations.zabbix.doors import MediaType


def integration() -> None:
    """Open the door."""
    ports.register_door(MediaType())
