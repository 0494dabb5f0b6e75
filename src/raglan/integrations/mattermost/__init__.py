"""Mattermost as a chat platform: a bot account, or only its webhooks and a slash command."""

from raglan.chat import ports


def _make() -> ports.ChatPlatform:
    from raglan.integrations.mattermost.platform import Mattermost  # read when somebody connects it

    return Mattermost()


def integration() -> None:
    """Offer the platform."""
    ports.register_platform("mattermost", _make)
