"""What a room says of changes: those under way and lately, and the one that differs host by host."""

from django.db.models import Q

from raglan.alerts import changed
from raglan.changes.queries import change
from raglan.console.change_board import ChangeBoard
from raglan.core.clock import now
from raglan.fleet import lately
from raglan.fleet.concern import Concern, of_services
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.people.models import Person

SHOWN = 6


def concern_of(incident: Incident) -> Concern:
    """Return what an incident is about: its services, and what the alerts joined to it name."""
    services = of_services((service.slug, service.name) for service in incident.services.all())
    return services | changed.of_alerts(Q(group__joined_incident__incident=incident))


def lately_in(incident: Incident) -> list[lately.Lately]:
    """Return what changed from a day before a room was opened until it was closed; what is tied to it first."""
    return _lately(incident, concern_of(incident))


def _lately(incident: Incident, concern: Concern) -> list[lately.Lately]:
    return lately.since(incident.declared_at, incident.closed_at or now(), concern, most=SHOWN)


def in_room(incident: Incident, reader: Person) -> dict[str, object]:
    """Return what changed lately, and the board of a change that differs: one that is over only where it is tied."""
    concern = concern_of(incident)
    found = _lately(incident, concern)
    differs = next((one.change for one in found if one.differs and (one.is_tied or one.change.is_open)), None)
    board = ChangeBoard(change(differs.pk)) if differs else None
    return {"changes": found, "board": board, "is_about": bool(concern)}


ports.register_panel("console/changes/part_room.html", in_room, name="changes", live="changes")
