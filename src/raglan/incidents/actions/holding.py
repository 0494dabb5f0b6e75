"""A room held until the end of a transaction, so that one thing after another happens in it.

Whoever holds a room and an entry takes the room first. Whoever comes for a room that was merged into another one
meanwhile holds that one: what is said into the old one lands there.
"""

from raglan.core.db import Prepared
from raglan.core.errors import Conflict
from raglan.incidents.models import Incident


def hold_room(incident: Incident) -> Incident:
    """Return a room as it is now, whatever the caller read before; of a merged one, that into which it went."""
    pk = went_to(incident.pk)
    while True:
        held = hold(pk)
        if held.merged_into_id is None:
            return held
        pk = held.merged_into_id


def went_to(pk: int) -> int:
    """Return the number of the incident in which one goes on; its own when it was not merged."""
    while further := _went_to.first(pk):
        pk = further
    return pk


_went_to = Prepared(lambda pk: Incident.objects.filter(pk=pk).values_list("merged_into", flat=True))


def hold(pk: int) -> Incident:
    """Return this very room as it is now, held until the end of the transaction, merged or not."""
    held = _held.first(pk)
    if held is None:
        raise Incident.DoesNotExist
    return held


_held = Prepared(lambda pk: Incident.objects.select_for_update(no_key=True).filter(pk=pk))


def open_room(incident: Incident) -> Incident:
    """Return a room as it is now, which stays open until the end of the transaction. Raises Conflict."""
    held = hold_room(incident)
    if held.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to go on.")
    return held
