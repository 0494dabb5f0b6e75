"""What higher contexts add to an alert's screen: links, such as to runbooks."""

from collections.abc import Callable
from dataclasses import dataclass

from raglan.alerts.models import Alert


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go on, and why it stands there."""

    text: str
    address: str
    why: str


_providers: list[Callable[[Alert], list[Link]]] = []


def register(provider: Callable[[Alert], list[Link]]) -> None:
    """Let a higher context add links to every alert's screen."""
    _providers.append(provider)


def of(alert: Alert) -> list[Link]:
    """Return the links of an alert."""
    return [link for provider in _providers for link in provider(alert)]
