"""AWS SNS, such as CloudWatch alarms."""

from raglan.alerts import ports
from raglan.integrations.sns.doors import Topic


def integration() -> None:
    """Open the door."""
    ports.register_door(Topic())
