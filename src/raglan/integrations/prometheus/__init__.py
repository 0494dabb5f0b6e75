"""Prometheus with raglan as its Alertmanager (API v2), and the webhook of a real Alertmanager (version 4)."""

from raglan.alerts import ports
from raglan.integrations.prometheus.desk import Desk
from raglan.integrations.prometheus.doors import ApiV2, Webhook


def integration() -> None:
    """Open both doors, and the desk."""
    ports.register_door(ApiV2())
    ports.register_door(Webhook())
    ports.register_desk(Desk())
