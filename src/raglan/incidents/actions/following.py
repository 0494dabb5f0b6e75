"""What a room follows: alert groups and pages."""

from collections.abc import Sequence

from django.db.models import QuerySet

from raglan.alerts.models import AlertGroup
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents import events, privacy
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.listing import Because, let_in
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, IncidentGroup, IncidentPage, Listed
from raglan.paging.models import Page, Reached
from raglan.people.models import Person


@atomic
def join_groups(incident: Incident, groups: Sequence[AlertGroup], *, by: Person | None = None) -> int:
    """Join alert groups and their pages to an incident; a group that belongs to another one stays there.

    One that belongs to a private incident of which whoever does this does not know comes along without a word to them.
    """
    joined, at = [], now()
    for group in groups:
        if by is not None:
            _let_go(group, by)
        _, made = IncidentGroup.objects.get_or_create(group=group, defaults={"incident": incident, "joined_at": at})
        if made:
            joined.append(group.pk)
            if group.page is not None:
                follow(incident, group.page)
    if joined:
        about = room_and_now(incident, *[f"group:{pk}" for pk in joined], "alerts")
        timeline.append(events.GroupsJoined(groups=joined, joined_at=at), actor=by or timeline.SYSTEM, about=about)
    return len(joined)


def _let_go(group: AlertGroup, by: Person) -> None:
    """Let a private incident lose a group to somebody who does not know of it: they must not learn of it this way."""
    held = IncidentGroup.objects.filter(group=group, incident__in=_unknown_to(by)).select_related("incident").first()
    if held is not None:
        held.delete()
        about = room_and_now(held.incident, group)
        timeline.append(events.GroupTakenOut(group=group.pk), actor=by, about=about)
        _tell_lost(held.incident, group.title, f"/alerts/groups/{group.pk}/", by)
        if group.page is not None:
            _let_page_go(group.page, by)


def _let_page_go(page: Page, by: Person) -> None:
    """Let a private incident lose a page in the same way."""
    held = IncidentPage.objects.filter(page=page, incident__in=_unknown_to(by)).select_related("incident").first()
    if held is not None:
        held.delete()
        about = room_and_now(held.incident, page)
        timeline.append(events.PageTakenOut(page=page.pk), actor=by, about=about)
        _tell_lost(held.incident, f"The page “{page.title}”", f"/pages/{page.pk}/", by)


def _unknown_to(person: Person) -> QuerySet[Incident]:
    return Incident.objects.filter(is_private=True).exclude(privacy.visible_to(person))


def _tell_lost(incident: Incident, what: str, link: str, by: Person) -> None:
    if incident.state == Incident.State.OPEN:
        words = f"{what} went to an incident of {by.name}, who does not know of this one."
        post(incident, Said(Entry.Kind.MACHINE, words, author_words="Private", link=link), by=None)


@atomic
def follow(incident: Incident, page: Page, *, by: Person | None = None) -> bool:
    """Let the room show what becomes of a page; say whether it is new there.

    A page that another room follows stays there. Whoever it reached out to sees a private room.
    """
    if by is not None:
        _let_page_go(page, by)
    if not IncidentPage.objects.get_or_create(page=page, defaults={"incident": incident})[1]:
        return False
    timeline.append(events.PageFollowed(page=page.pk), actor=by or timeline.SYSTEM, about=[incident, page])
    if incident.is_private:
        for reached in Reached.objects.filter(page=page).select_related("person"):
            let_in(incident, reached.person, Because(Listed.How.PAGED, f"page {page.pk}"))
    return True
