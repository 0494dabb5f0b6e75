"""What anything that can post to a Slack webhook sends, and Slack itself as a chat platform."""

from raglan.alerts import ports
from raglan.chat import ports as chat
from raglan.integrations.slack.doors import IncomingWebhook


def _make() -> chat.ChatPlatform:
    from raglan.integrations.slack.platform import Slack  # read when somebody connects it, or opens the screen

    return Slack()


def integration() -> None:
    """Open the door, and offer the platform."""
    ports.register_door(IncomingWebhook())
    chat.register_platform("slack", _make)
