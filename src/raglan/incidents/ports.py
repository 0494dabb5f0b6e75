"""What higher contexts may add to a room."""

from collections.abc import Callable

from raglan.incidents.models import Incident
from raglan.people.models import Person

Gather = Callable[[Incident, Person], dict[str, object]]
_panels: list[tuple[str, Gather]] = []
_outside: list[Callable[[Incident, Person], bool]] = []
_notices: list[Callable[[Incident], list[str]]] = []


def register_panel(template: str, gather: Gather) -> None:
    """Add a panel to the side of every room."""
    _panels.append((template, gather))


def panels(incident: Incident, reader: Person) -> list[tuple[str, dict[str, object]]]:
    """Return the further panels of a room for a reader."""
    return [(template, gather(incident, reader)) for template, gather in _panels]


def register_notice(gather: Callable[[Incident], list[str]]) -> None:
    """Let a higher context say something above every room, such as that chat is away."""
    _notices.append(gather)


def register_outside(holds: Callable[[Incident, Person], bool]) -> None:
    """Let a higher context say whether somebody speaks to those outside of a room."""
    _outside.append(holds)


def holds_outside(incident: Incident, reader: Person) -> bool:
    """Tell whether somebody speaks to those outside of a room."""
    return any(holds(incident, reader) for holds in _outside)


def notices(incident: Incident) -> list[str]:
    """Return what is said above a room, one sentence each."""
    return [words for gather in _notices for words in gather(incident)]
