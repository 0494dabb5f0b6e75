"""Grafana's alerting webhook."""

from raglan.alerts import ports
from raglan.integrations.grafana.doors import Webhook


def integration() -> None:
    """Open the door."""
    ports.register_door(Webhook())
