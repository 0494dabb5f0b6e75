"""Which open room alerts belong to by their services.

They join it a moment after they page, never before: no page waits for a room. So the first message of that page asks
here what the room knows, such as who gave a heads-up.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Lower

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.core.clock import now
from raglan.core.db.prepared import Prepared
from raglan.core.models import EventSubject
from raglan.incidents import events
from raglan.incidents.models import Incident
from raglan.paging.models import Page

JUST_NOW = timedelta(minutes=2)
_called_in_rooms = Prepared(
    lambda: Incident.objects.filter(state=Incident.State.OPEN, services__isnull=False).values_list(
        "services__slug", "services__name"
    )
)


def names() -> set[str]:
    """Return what services are called that open incidents are about, in small letters."""
    return {name.lower() for pair in _called_in_rooms() for name in pair}


def services_in(labels: Mapping[str, str]) -> list[str]:
    """Return what the labels of a group call services, by their short names or names, in small letters."""
    return [str(labels[name]).lower() for name in ("service", "component", "job") if name in labels]


def room_of(labels: Mapping[str, str]) -> Incident | None:
    """Return the open room about a service that labels name; one that is open to all first, then the newest."""
    called = services_in(labels)
    services = Service.objects.annotate(called=Lower("name")).filter(Q(slug__in=called) | Q(called__in=called))
    rooms = Incident.objects.filter(state=Incident.State.OPEN, services__in=services).select_related("lead")
    return rooms.order_by("is_private", "-pk").first() if called else None


def pages_with_room(pages: Sequence[int]) -> set[int]:
    """Return which of some pages have alerts that are about to join a room."""
    known = names()
    return {page for page, labels in _waiting(pages) if not known.isdisjoint(services_in(labels))} if known else set()


def room_for(page: Page) -> Incident | None:
    """Return the room that alerts of a page are about to join, unless it is private."""
    found = next((room for _, labels in _waiting([page.pk]) if (room := room_of(labels))), None) if names() else None
    return None if found is None or found.is_private else found


def _waiting(pages: Sequence[int]) -> list[tuple[int, Mapping[str, str]]]:
    """Return the pages and labels of groups that opened just now and belong to no incident yet.

    What opened long before a room did never joins it by itself, and what somebody took out of one does not come back.
    """
    groups = AlertGroup.objects.filter(page__in=pages, state=AlertGroup.State.OPEN, joined_incident__isnull=True)
    lately = groups.filter(opened_at__gt=now() - JUST_NOW)
    found = list(lately.order_by("pk").values_list("pk", "page_id", "labels"))
    left = EventSubject.objects.filter(
        subject__in=[f"group:{pk}" for pk, _, _ in found], event__kind=events.GroupTakenOut.kind
    )
    taken_out = set(left.values_list("subject", flat=True)) if found else set()
    return [(int(page or 0), labels) for pk, page, labels in found if f"group:{pk}" not in taken_out]
