"""Heartbeats in the dialects that jobs and machines speak already."""

from raglan.alerts import ports
from raglan.integrations.heartbeat.doors import Ping


def integration() -> None:
    """Open the door."""
    ports.register_door(Ping())
