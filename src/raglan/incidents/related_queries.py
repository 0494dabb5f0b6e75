"""Reads of incidents that have to do with each other, and of those that may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from raglan.core.clock import now
from raglan.incidents import queries
from raglan.incidents.alike import are_alike
from raglan.incidents.models import Incident, Related
from raglan.ui.wording import listed

LATELY = timedelta(days=30)
LOOKED_AT = 200
OFFERED = 8


@dataclass(frozen=True, slots=True)
class Link:
    """Another incident, and how it is related."""

    incident: Incident
    words: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An incident that may have to do with one, and why."""

    incident: Incident
    why: str


def related(incident: Incident) -> list[Link]:
    """Return the incidents that one is linked with, the newest first; those that a reader may know of."""
    rows = Related.objects.filter(Q(incident=incident) | Q(other=incident)).select_related("by")
    by_other = {row.other_id if row.incident_id == incident.pk else row.incident_id: row for row in rows}
    if not by_other:
        return []
    seen = queries.incidents().filter(pk__in=by_other).order_by("-pk")
    return [Link(one, by_other[one.pk].words, by_other[one.pk].by.name, by_other[one.pk].at) for one in seen]


def suggestions(incident: Incident, links: Sequence[Link]) -> list[Suggestion]:
    """Return open and lately closed incidents about the same services, then those with the same words in the title."""
    but = [incident.pk, *(link.incident.pk for link in links)]
    own = dict(incident.services.values_list("pk", "name"))
    found = list(_lately().exclude(pk__in=but).prefetch_related("services").order_by("-pk")[:LOOKED_AT])
    shared = {one.pk: [own[item.pk] for item in one.services.all() if item.pk in own] for one in found}
    same = [Suggestion(one, f"also about {listed(shared[one.pk])}") for one in found if shared[one.pk]]
    alike = [
        Suggestion(one, "says nearly the same")
        for one in found
        if not shared[one.pk] and are_alike(one.title, incident.title)
    ]
    return [*same, *alike][:OFFERED]


def _lately() -> QuerySet[Incident]:
    """Return incidents that are open or were closed lately."""
    return queries.incidents().filter(Q(closed_at__isnull=True) | Q(closed_at__gt=now() - LATELY))
