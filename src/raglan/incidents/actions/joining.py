"""Alert groups and pages joined to a room by hand, and taken out again; the timeline keeps both."""

from collections.abc import Sequence

from raglan.alerts.models import AlertGroup
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.following import follow, join_groups
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, IncidentGroup, IncidentPage
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.ui.wording import counted


@atomic
def join_by_hand(
    incident: Incident, groups: Sequence[AlertGroup] = (), pages: Sequence[Page] = (), *, by: Person
) -> int:
    """Join alert groups and pages to a room, and say so in it. Return how many are new there.

    What belongs to another room stays there.
    """
    joined = [group for group in groups if join_groups(incident, [group], by=by)]
    followed = [page for page in pages if follow(incident, page, by=by)]
    for group in joined:
        words = f"{by.name} joined {group.title}, {counted(group.alert_count, 'alert')}, to this incident."
        _tell(incident, words, f"/alerts/groups/{group.pk}/")
    for page in followed:
        _tell(incident, f"{by.name} joined the page “{page.title}” to this incident.", f"/pages/{page.pk}/")
    return len(joined) + len(followed)


@atomic
def take_out(incident: Incident, groups: Sequence[AlertGroup] = (), pages: Sequence[Page] = (), *, by: Person) -> None:
    """Take alert groups and pages out of a room again. A group takes the page along that it came with.

    Safe to call twice.
    """
    for group in groups:
        if IncidentGroup.objects.filter(incident=incident, group=group).delete()[0]:
            left = events.GroupTakenOut(group=group.pk)
            timeline.append(left, actor=by, about=room_and_now(incident, f"group:{group.pk}", "alerts"))
            if group.page is not None:
                _let_go(incident, group.page, by)
            _tell(incident, f"{by.name} took {group.title} out of this incident.", f"/alerts/groups/{group.pk}/")
    for page in pages:
        if _let_go(incident, page, by):
            _tell(incident, f"{by.name} took the page “{page.title}” out of this incident.", f"/pages/{page.pk}/")


def _let_go(incident: Incident, page: Page, by: Person) -> bool:
    gone = IncidentPage.objects.filter(incident=incident, page=page).delete()[0]
    if gone:
        timeline.append(events.PageTakenOut(page=page.pk), actor=by, about=room_and_now(incident, page))
    return bool(gone)


def _tell(incident: Incident, words: str, link: str) -> None:
    """Say so in the timeline of a room that is open."""
    if hold_room(incident).state == Incident.State.OPEN:
        post(incident, Said(Entry.Kind.MACHINE, words, author_words="Alerts", link=link), by=None)
