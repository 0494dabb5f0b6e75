"""What happens later in incidents, and what incidents add to a page's screen."""

from collections.abc import Sequence

from raglan.core import timers
from raglan.core.db import bulk
from raglan.incidents import about_to_join, actions, privacy, queries
from raglan.incidents.models import Incident, IncidentPage, Responder
from raglan.paging import ports
from raglan.paging.busy import Busy, register_busy
from raglan.paging.models import Page
from raglan.people import reading


@timers.handler(actions.PING)
def ping(due: timers.Due) -> None:
    """Nobody took an ask in time."""
    actions.ping(due.subject_id)


@timers.handler(actions.UPDATE_DUE)
def remind(due: timers.Due) -> None:
    """A promised update is due."""
    actions.remind_lead(due.subject_id)


@timers.handler(actions.UPDATE_LATE)
def show_late(due: timers.Due) -> None:
    """A promised update is late."""
    actions.show_late_update(due.subject_id)


@timers.handler(actions.TASK_DUE)
def remind_of_task(due: timers.Due) -> None:
    """A task is due."""
    actions.remind_of_task(due.subject_id)


@timers.handler(actions.FORGET)
def forget(due: timers.Due) -> None:
    """What somebody said about their hours is over."""
    actions.forget_availability(due.subject_id)


def around(page: Page) -> ports.Around:
    """Return what the room knows already that follows a page, or that its alerts are about to join."""
    followed = IncidentPage.objects.select_related("incident__lead").filter(page=page).first()
    incident = followed.incident if followed else about_to_join.room_for(page)
    if incident is None or not incident.is_seen:
        return ports.Around()
    if incident.is_private and reading.current() is None:  # a message goes through hands that are on no list
        return ports.Around(room_link=f"/incidents/{incident.pk}/")
    heads_ups = list(incident.heads_ups.select_related("person").order_by("pk")[:50])
    if len(heads_ups) > 3:
        heads_ups = [heads_ups[0], *heads_ups[-2:]]
    known = [ports.Known(f"{item.who} gave a heads-up:", f"“{item.text}”") for item in heads_ups]
    if incident.summary:
        known.append(ports.Known("Where it stands:", incident.summary))
    groups = incident.joined_groups.count()
    if groups:
        alerts = sum(joined.group.alert_count for joined in incident.joined_groups.select_related("group"))
        many = (
            f"{alerts} alerts in {groups} group{'s' if groups != 1 else ''} belong"
            if alerts != 1
            else "1 alert belongs"
        )
        known.append(ports.Known("", f"{many} to incident {incident.pk}."))
    return ports.Around(
        known=tuple(known),
        has_it=_has_it(incident),
        room_link=f"/incidents/{incident.pk}/",
    )


def _has_it(incident: Incident) -> str:
    """Name who has it before anybody answers: the first who warned of those who are known here, else the lead."""
    warned = incident.heads_ups.filter(person__isnull=False).select_related("person").order_by("pk").first()
    who = warned.person if warned else incident.lead
    return who.name if who else ""


def followed(pages: Sequence[int]) -> set[int]:
    """Return which of some pages a room follows, or is about to follow."""
    found = {int(page) for (page,) in bulk.select_by(IncidentPage, ("page_id",), "page_id", list(pages))}
    return found | about_to_join.pages_with_room([page for page in pages if page not in found])


def rooms_of(ids: list[int]) -> dict[int, list[Busy]]:
    """Return the open rooms that people are in."""
    here = Responder.objects.select_related("incident").filter(person_id__in=ids, left_at__isnull=True)
    found: dict[int, list[Busy]] = {}
    seen = here.filter(privacy.visible("incident__"), incident__state=Incident.State.OPEN)
    for item in seen.order_by("-incident_id")[:500]:
        words = f"incident {item.incident_id}, {item.incident.title}"
        found.setdefault(item.person_id, []).append(Busy(words, f"/incidents/{item.incident_id}/"))
    return found


def hours_of(ids: list[int]) -> dict[int, list[Busy]]:
    """Return what people say themselves about the next hours."""
    said = queries.availability_of(ids)
    return {
        item.person_id: [Busy(f"says: {item.get_state_display().lower()}, until {item.until:%H:%M} UTC", "/free/")]
        for item in said
    }


ports.register_around(around, about=followed)
register_busy(rooms_of)
register_busy(hours_of)
