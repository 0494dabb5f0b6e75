"""What a room is about: services that somebody names once the room is open."""

from collections.abc import Sequence

from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import open_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person


@atomic
def say_about(incident: Incident, services: Sequence[Service], *, by: Person) -> Incident:
    """Say which services an open room is about, too: their alerts join it from now on. Safe to call twice.

    Raises BadInput, Conflict.
    """
    if not services:
        raise BadInput("services", "name a service that is known here", status=422)
    incident = open_room(incident)
    known = set(incident.services.values_list("pk", flat=True))
    new = sorted({service.pk: service for service in services if service.pk not in known}.values(), key=lambda s: s.pk)
    if not new:
        return incident
    incident.services.add(*new)
    said = events.SaidAbout(services=[service.pk for service in new], person=by.pk)
    event = timeline.append(said, actor=by, about=room_and_now(incident))
    words = f"This is about {', '.join(service.name for service in new)}."
    post(incident, Said(Entry.Kind.NOTE, words, key=f"about-{event.pk}"), by=by)
    return incident
