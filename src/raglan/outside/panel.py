"""What the outside adds to a room: one quiet line."""

from raglan.core.clock import now
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.outside import queries
from raglan.outside.models import Desk
from raglan.people.models import Person


def quiet_line(incident: Incident, reader: Person) -> dict[str, object]:
    """Return who holds the outside, and when the next word comes."""
    found = _desk(incident)
    return {"desk": found, "is_late": queries.is_late(found, now()), "owes": queries.owes_last_word(incident)}


def holds(incident: Incident, reader: Person) -> bool:
    """Tell whether somebody holds the outside of a room."""
    return _desk(incident).holder_id == reader.pk


def _desk(incident: Incident) -> Desk:
    """Return the desk of a room, read once for all that a screen shows of it."""
    found: Desk = vars(incident).get("shown_desk") or queries.desk(incident)
    vars(incident)["shown_desk"] = found
    return found


ports.register_outside(holds)
ports.register_panel("outside/part_room.html", quiet_line)
