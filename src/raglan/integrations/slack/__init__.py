"""What anything that can post to a Slack webhook sends."""

from raglan.alerts import ports
from raglan.integrations.slack.doors import IncomingWebhook


def integration() -> None:
    """Open the door."""
    ports.register_door(IncomingWebhook())
