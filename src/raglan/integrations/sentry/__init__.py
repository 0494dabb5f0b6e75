"""Sentry's webhooks of an internal integration."""

from raglan.alerts import ports
from raglan.integrations.sentry.doors import Webhook


def integration() -> None:
    """Open the door."""
    ports.register_door(Webhook())
