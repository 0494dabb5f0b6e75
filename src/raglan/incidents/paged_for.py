"""Lets people be paged by hand for a room, which then follows the page."""

from raglan.core.errors import Conflict
from raglan.incidents import actions, queries
from raglan.incidents.models import Incident
from raglan.paging.actions import Reason
from raglan.paging.rooms import Room, register_rooms


def find(number: int) -> Room:
    """Return an open room of those that whoever reads now may know of. Raises NotFound, Conflict."""
    incident = queries.incident(number)
    if incident.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to go on.")
    return Room(
        number=incident.pk,
        name=f"incident {incident.pk}, {incident.title}",
        reason=Reason(Incident.ref_kind, incident.pk, f"/incidents/{incident.pk}/"),
        follow=lambda page, by: actions.follow(incident, page, by=by),
    )


register_rooms(find)
