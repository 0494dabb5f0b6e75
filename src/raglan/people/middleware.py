"""Reads times in the person's zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from raglan.people.models import Person


class PersonMiddleware:
    """Activates the zone of whoever is signed in, for this request only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with times in the reader's zone."""
        person = request.user if isinstance(request.user, Person) else None
        request.person = person  # type: ignore[attr-defined]  # read by the base page
        zone = ZoneInfo(person.time_zone) if person else ZoneInfo("UTC")
        with timezone.override(zone):
            return self.get_response(request)
