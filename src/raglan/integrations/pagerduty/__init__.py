"""PagerDuty's Events API, so that everything which speaks it can speak to raglan."""

from raglan.alerts import ports
from raglan.integrations.pagerduty.doors import ChangeEnqueue, CreateEvent, Enqueue


def integration() -> None:
    """Open the doors."""
    for door in (Enqueue(), ChangeEnqueue(), CreateEvent()):
        ports.register_door(door)
