"""Rooms on a Matrix homeserver: a plain bot that speaks the client-server API."""

from raglan.chat import ports


def _make() -> ports.ChatPlatform:
    from raglan.integrations.matrix.platform import Matrix  # read when somebody connects it, or opens the screen

    return Matrix()


def integration() -> None:
    """Offer the platform."""
    ports.register_platform("matrix", _make)
