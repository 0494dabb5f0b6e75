"""Who reads, and in which zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from raglan.people.models import Person


class PersonMiddleware:
    """Gives each request its `person`, or None, and activates that person's zone for this request only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with times in the reader's zone."""
        person = request.user if isinstance(request.user, Person) else None
        zone = zone_of(person)
        request.person = person  # type: ignore[attr-defined]  # the base page reads it from here
        request.time_zone = zone  # type: ignore[attr-defined]  # as above
        with timezone.override(zone):
            return self.get_response(request)


def zone_of(person: Person | None) -> ZoneInfo:
    """Return the zone in which somebody reads; UTC when the system no longer knows the name."""
    try:
        return ZoneInfo(person.time_zone if person else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
