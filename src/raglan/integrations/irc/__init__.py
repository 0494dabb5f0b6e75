"""Channels on an IRC server: plain sockets, with TLS or without."""

from raglan.chat import ports


def _make() -> ports.ChatPlatform:
    from raglan.integrations.irc.platform import Irc  # read when somebody connects it, or opens the screen

    return Irc()


def integration() -> None:
    """Offer the platform."""
    ports.register_platform("irc", _make)
