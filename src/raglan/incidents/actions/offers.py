"""Offers of help: what somebody in a room can be asked, and until when. Only they say so, and take it back."""

from datetime import timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.incidents import events
from raglan.incidents.actions.holding import open_room
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.models import Incident, Responder
from raglan.people.models import Person

MAX_OFFER = 120
WITHIN = (timedelta(minutes=15), timedelta(hours=12))


@atomic
def offer_help(incident: Incident, words: str, *, by: Person, length: timedelta = timedelta(hours=2)) -> Responder:
    """Say in an open room what one can be asked, until when; it replaces what one offered there. Raises BadInput."""
    words = " ".join(words.split())[:MAX_OFFER]
    if not words:
        raise BadInput("words", "say in a few words what you can be asked", status=422)
    if not WITHIN[0] <= length <= WITHIN[1]:
        raise BadInput("hours", "must be from a quarter of an hour to twelve hours", status=422)
    incident = open_room(incident)
    here, until = be_here(incident, by=by), now() + length
    here.offer, here.offer_until = words, until
    here.save(update_fields=["offer", "offer_until"])
    offered = events.HelpOffered(person=by.pk, words=words, until=until)
    timeline.append(offered, actor=by, about=room_and_now(incident))
    return here


@atomic
def take_offer_back(incident: Incident, *, by: Person) -> None:
    """Say that one can not be asked any more. Safe to call twice."""
    offered = Responder.objects.filter(incident=incident, person=by).exclude(offer="")
    if offered.update(offer="", offer_until=None):
        timeline.append(events.OfferTakenBack(person=by.pk), actor=by, about=room_and_now(incident))
