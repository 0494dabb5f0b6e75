"""What a room follows: alert groups and pages."""

from collections.abc import Sequence

from raglan.alerts.models import AlertGroup
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents import events
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Incident, IncidentGroup, IncidentPage
from raglan.paging.models import Page
from raglan.people.models import Person


@atomic
def join_groups(incident: Incident, groups: Sequence[AlertGroup], *, by: Person | None = None) -> int:
    """Join alert groups and their pages to an incident; a group that belongs to another one stays there."""
    joined, at = [], now()
    for group in groups:
        _, made = IncidentGroup.objects.get_or_create(group=group, defaults={"incident": incident, "joined_at": at})
        if made:
            joined.append(group.pk)
            if group.page is not None:
                follow(incident, group.page)
    if joined:
        about = room_and_now(incident, *[f"group:{pk}" for pk in joined], "alerts")
        timeline.append(events.GroupsJoined(groups=joined, joined_at=at), actor=by or timeline.SYSTEM, about=about)
    return len(joined)


@atomic
def follow(incident: Incident, page: Page, *, by: Person | None = None) -> bool:
    """Let the room show what becomes of a page; say whether it is new there.

    A page that another room follows stays there.
    """
    is_new = IncidentPage.objects.get_or_create(page=page, defaults={"incident": incident})[1]
    if is_new:
        timeline.append(events.PageFollowed(page=page.pk), actor=by or timeline.SYSTEM, about=[incident, page])
    return is_new
