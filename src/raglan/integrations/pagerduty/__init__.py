"""PagerDuty's Events API v2, so that everything which speaks it can speak to raglan."""

from raglan.alerts import ports
from raglan.integrations.pagerduty.doors import Enqueue


def integration() -> None:
    """Open the door."""
    ports.register_door(Enqueue())
