"""Who reads, and in which zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from raglan.people import access, reading
from raglan.people.models import Person

REST = "/api/v1/"


class PersonMiddleware:
    """Gives each request its `person`, or None; that person's zone and eyes are those of this request only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with times in the reader's zone."""
        person = request.user if isinstance(request.user, Person) else None
        zone = zone_of(person)
        request.person = person  # type: ignore[attr-defined]  # the base page reads it from here
        request.time_zone = zone  # type: ignore[attr-defined]  # as above
        with timezone.override(zone), reading.read_for(_reader(request, person)):
            return self.get_response(request)


def _reader(request: HttpRequest, person: Person | None) -> Person | None:
    """Return for whom is read: over REST with a token, for the person that it belongs to, if it belongs to one."""
    if not request.path.startswith(REST) or "Authorization" not in request.headers:
        return person
    found = access.bearer(request)
    return found.person if found else None


def zone_of(person: Person | None) -> ZoneInfo:
    """Return the zone in which somebody reads; UTC when the system no longer knows the name."""
    try:
        return ZoneInfo(person.time_zone if person else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
