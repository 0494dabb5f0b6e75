"""What higher contexts may add to the screen of a host."""

from collections.abc import Callable

from raglan.fleet.models import Host

Gather = Callable[[Host], dict[str, object]]
_panels: list[tuple[str, Gather]] = []


def register_panel(template: str, gather: Gather) -> None:
    """Add a panel to the screen of every host."""
    _panels.append((template, gather))


def panels(host: Host) -> list[tuple[str, dict[str, object]]]:
    """Return the further panels of a host; each is rendered with its own `panel`."""
    return [(template, gather(host)) for template, gather in _panels]
