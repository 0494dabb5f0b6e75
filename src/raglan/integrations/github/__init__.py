"""GitHub, by a webhook of a repository or an organization."""

from raglan.alerts import ports
from raglan.integrations.github.doors import Webhook


def integration() -> None:
    """Open the door."""
    ports.register_door(Webhook())
