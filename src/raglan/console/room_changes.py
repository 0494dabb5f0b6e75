"""What a room says of changes: those under way and lately, and the one that differs host by host."""

from raglan.changes.queries import change
from raglan.console.change_board import ChangeBoard
from raglan.core.clock import now
from raglan.fleet import lately
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.people.models import Person

SHOWN = 6


def in_room(incident: Incident, reader: Person) -> dict[str, object]:
    """Return what changed from a day before a room was opened until it was closed."""
    found = lately.since(incident.declared_at, incident.closed_at or now(), most=SHOWN)
    differs = next((one.change for one in found if one.differs), None)
    return {"changes": found, "board": ChangeBoard(change(differs.pk)) if differs else None}


ports.register_panel("console/changes/part_room.html", in_room, name="changes", live="changes")
