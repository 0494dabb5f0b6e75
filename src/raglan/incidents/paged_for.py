"""Lets people be paged by hand for a room, which then follows the page; one of a private room stays in it."""

from raglan.core.errors import Conflict
from raglan.incidents import actions, queries
from raglan.incidents.models import Incident
from raglan.paging.actions import Reason
from raglan.paging.models import Page
from raglan.paging.ports import register_inside
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
        is_private=incident.is_private,
    )


def stays_inside(page: Page) -> bool:
    """Tell whether a page is for an incident that is private by now, and has words of its own that tell of it."""
    if page.reason_type != Incident.ref_kind or page.reason_id is None or actions.tells_nothing(page):
        return False
    return Incident.objects.filter(pk=page.reason_id, is_private=True).exists()


register_rooms(find)
register_inside(stays_inside)
