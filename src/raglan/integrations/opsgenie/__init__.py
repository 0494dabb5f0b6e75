"""Opsgenie's alert API, so that everything which speaks it can speak to raglan."""

from raglan.alerts import ports
from raglan.integrations.opsgenie.doors import Alerts, Beats


def integration() -> None:
    """Open the doors."""
    ports.register_door(Alerts())
    ports.register_door(Beats())
