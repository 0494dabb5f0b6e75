"""What the outside adds to a room: one quiet line."""

from raglan.core.clock import now
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.outside import queries
from raglan.people.models import Person


def quiet_line(incident: Incident, reader: Person) -> dict[str, object]:
    """Return who holds the outside, and when the next word comes."""
    found = queries.desk(incident)
    return {"desk": found, "is_late": queries.is_late(found, now()), "owes": queries.owes_last_word(incident)}


def holds(incident: Incident, reader: Person) -> bool:
    """Tell whether somebody holds the outside of a room."""
    return queries.desk(incident).holder_id == reader.pk


ports.register_outside(holds)
ports.register_panel("outside/part_room.html", quiet_line)
