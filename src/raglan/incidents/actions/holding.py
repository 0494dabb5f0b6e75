"""A room held until the end of a transaction, so that one thing after another happens in it.

Whoever holds a room and an entry takes the room first.
"""

from raglan.core.errors import Conflict
from raglan.incidents.models import Incident


def hold_room(incident: Incident) -> Incident:
    """Return a room as it is now, whatever the caller read before."""
    return Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)


def open_room(incident: Incident) -> Incident:
    """Return a room as it is now, which stays open until the end of the transaction. Raises Conflict."""
    held = hold_room(incident)
    if held.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to go on.")
    return held
