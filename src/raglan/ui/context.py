"""What the base page needs on every screen: places, who reads, how they like to read, and the time."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from raglan.core.clock import now
from raglan.ui import wording

PLACES = (
    ("Now", "/"),
    ("Incidents", "/incidents/"),
    ("Alerts", "/alerts/"),
    ("On call", "/on-call/"),
    ("Changes", "/changes/"),
    ("Library", "/library/"),
    ("People", "/people/"),
)
BELOW = {
    "/changes/": ("/hosts/",),
    "/library/": ("/runbooks/", "/processes/", "/reviews/"),
    "/people/": ("/teams/", "/free/"),
}
HEADS_UP = (("Give a heads-up", "/heads-up/"),)
OWN = (
    ("You and your settings", "/you/"),
    ("Processes and skip notes", "/processes/"),
    ("Setup and own health", "/setup/"),
    ("REST reference", "/api/docs/"),
    ("Sign out", "/account/logout/"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One link of the navigation; `current` is what aria-current says."""

    label: str
    href: str
    current: str


@dataclass(frozen=True, slots=True)
class Chrome:
    """The frame around every screen."""

    places: tuple[Place, ...]
    heads_up: tuple[Place, ...]
    own: tuple[Place, ...]
    person: int
    name: str
    initials: str
    theme: str
    density: str
    shortcuts: bool
    quiet: bool
    now: datetime
    zone: str
    zone_name: str

    @property
    def menu(self) -> tuple[Place, ...]:
        """Return everything, for narrow screens."""
        return self.heads_up + self.places + self.own


def chrome(request: HttpRequest) -> dict[str, Chrome]:
    """Give templates `chrome`. Who reads is `request.person` where somebody is signed in."""
    return {"chrome": build(request)}


def build(request: HttpRequest) -> Chrome:
    """Assemble the frame for one request."""
    reader: object | None = getattr(request, "person", None)
    zone, at = timezone.get_current_timezone(), now()
    name = str(getattr(reader, "name", "") or reader or "")
    may_respond = bool(getattr(reader, "may_respond", False))
    return Chrome(
        places=_places(PLACES, request.path) if reader else (),
        # Now has a button of its own for it.
        heads_up=_places(HEADS_UP, request.path) if may_respond and request.path != "/" else (),
        own=_places(OWN, request.path) if reader else (),
        person=int(getattr(reader, "pk", 0) or 0),
        name=name,
        initials=wording.initials(name),
        theme=_one_of(reader, "theme", ("light", "dark")),
        density=_one_of(reader, "density", ("compact",)),
        shortcuts=bool(getattr(reader, "shortcuts_enabled", False)),
        quiet=bool(getattr(reader, "quiet_screen", False)),
        now=at,
        zone=wording.zone_words(zone, at=at),
        zone_name=str(zone),
    )


def _one_of(reader: object | None, field: str, allowed: tuple[str, ...]) -> str:
    value = str(getattr(reader, field, ""))
    return value if value in allowed else ""


def _places(places: tuple[tuple[str, str], ...], path: str) -> tuple[Place, ...]:
    return tuple(Place(label, href, _current(href, path)) for label, href in places)


def _current(href: str, path: str) -> str:
    if path == href:
        return "page"
    return "true" if href != "/" and path.startswith((href, *BELOW.get(href, ()))) else ""
