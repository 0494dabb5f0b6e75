"""GitLab, by a webhook of a project or a group."""

from raglan.alerts import ports
from raglan.integrations.gitlab.doors import Webhook


def integration() -> None:
    """Open the door."""
    ports.register_door(Webhook())
