"""What higher contexts may add to a room."""

from collections.abc import Callable
from dataclasses import dataclass

from raglan.incidents.models import Incident
from raglan.people.models import Person

Gather = Callable[[Incident, Person], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of a room. With a name and topics it is looked at again by itself when one of those changes."""

    template: str
    gather: Gather
    name: str = ""
    live: str = ""


_panels: list[Panel] = []
_outside: list[Callable[[Incident, Person], bool]] = []
_notices: list[Callable[[Incident], list[str]]] = []


def register_panel(template: str, gather: Gather, *, name: str = "", live: str = "") -> None:
    """Add a panel to the side of every room; `live` are topics on whose news it is fetched again, under its name."""
    _panels.append(Panel(template, gather, name, live))


def panels(incident: Incident, reader: Person) -> list[tuple[Panel, dict[str, object]]]:
    """Return the further panels of a room for a reader."""
    return [(panel, panel.gather(incident, reader)) for panel in _panels]


def panel(name: str) -> Panel | None:
    """Return a panel that is looked at again by itself."""
    return next((one for one in _panels if one.live and one.name == name), None)


def live_topics() -> str:
    """Return what panels want to hear of besides the room."""
    return " ".join(dict.fromkeys(topic for one in _panels for topic in one.live.split()))


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
