"""Who is in a room, on what, and who leads."""

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import Prepared, atomic
from raglan.incidents import events
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.listing import Because, let_in
from raglan.incidents.models import Incident, Listed, Responder
from raglan.people.models import Person


def room_and_now(incident: Incident, *more: timeline.Subject) -> list[timeline.Subject]:
    """Return what an event of a room is about: the room, what is given, and the page that shows all rooms."""
    return [incident, *more, "now"]


_here = Prepared(lambda incident, person: Responder.objects.filter(incident=incident, person=person))


@atomic
def be_here(incident: Incident, *, by: Person, doing: str | None = None) -> Responder:
    """Join the room, or say what one is on. Presence is only what a person does in the room.

    Whoever is given something to do in a private room sees it.
    """
    if incident.merged_into_id:
        incident = hold_room(incident)
    if incident.is_private:
        let_in(incident, by, Because(Listed.How.ROOM))
    responder, made = _here.first(incident.pk, by.pk), False
    if responder is None:
        responder, made = Responder.objects.get_or_create(
            incident=incident, person=by, defaults={"joined_at": now(), "doing": (doing or "")[:200]}
        )
    changed = made or responder.left_at is not None or (doing is not None and doing != responder.doing)
    if changed:
        responder.left_at = None
        if doing is not None:
            responder.doing = doing.strip()[:200]
        responder.save()
        timeline.append(
            events.ResponderHere(person=by.pk, doing=responder.doing, joined_at=responder.joined_at),
            actor=by,
            about=room_and_now(incident, by),
        )
    return responder


@atomic
def leave(incident: Incident, *, by: Person, actor: Person | None = None) -> None:
    """Leave the room; `actor` is who sees somebody out."""
    at = now()
    if Responder.objects.filter(incident=incident, person=by, left_at__isnull=True).update(
        left_at=at, offer="", offer_until=None
    ):
        timeline.append(
            events.ResponderLeft(person=by.pk, left_at=at), actor=actor or by, about=room_and_now(incident, by)
        )
