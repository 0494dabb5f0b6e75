"""What a room says of holds: those that are on, and, where much is broken and none is, that one may be raised."""

from urllib.parse import urlencode

from raglan.changes import hold_queries
from raglan.changes.hearing import GATE
from raglan.changes.hold_views import Row
from raglan.incidents import ports
from raglan.incidents.models import Incident
from raglan.people.models import Person

SEVERE = (Incident.Severity.SEV1, Incident.Severity.SEV2)
SHOWN = 5


def in_room(incident: Incident, reader: Person) -> dict[str, object]:
    """Return the holds that are on while a room is open, and where one is raised; it is suggested, never raised."""
    if incident.state != Incident.State.OPEN:
        return {"holds": [], "suggests": False, "address": ""}
    on = [Row(hold, "on", hold_queries.tally(hold)) for hold in hold_queries.on_now()[:SHOWN]]
    suggests = not on and incident.severity in SEVERE and reader.may_respond
    said = {"name": f"incident {incident.pk}", "link": f"incident:{incident.pk}"}
    return {"holds": on, "suggests": suggests, "address": f"/changes/holds/new/?{urlencode(said)}"}


ports.register_panel("changes/part_room.html", in_room, name="holds", live=f"holds {GATE}")
