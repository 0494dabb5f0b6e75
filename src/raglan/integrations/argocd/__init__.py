"""Argo CD, by its notifications."""

from raglan.alerts import ports
from raglan.integrations.argocd.doors import Notification


def integration() -> None:
    """Open the door."""
    ports.register_door(Notification())
