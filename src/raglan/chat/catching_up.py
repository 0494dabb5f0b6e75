"""What was said while nobody could call us: asked for when a line is up again, and taken as ever, each message once."""

from datetime import datetime, timedelta

from django.db.models import Q

from raglan.chat import hearing, ports
from raglan.chat.models import Message, Room, Workspace
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.incidents.models import Incident

MOST_ROOMS, MOST = 50, timedelta(days=2)
SURE = timedelta(minutes=1)  # what came in so shortly before we were deaf may have come behind what was missed
log = logs.get("raglan.chat")


def catch_up(workspace: Workspace, line: ports.CatchesUp, deaf_since: datetime) -> int:
    """Take what people wrote in rooms that are worked in; return how much was new. Raises DeliveryError, Wait.

    `deaf_since` stays the same for all tries: what comes in between them is newer than what was missed.
    A room that can not be read is left out: its platform may not let us.
    """
    new = 0
    for room in _rooms(workspace):
        try:
            missed = line.missed(room.external_id, _since(room, deaf_since))
        except DeliveryError as error:
            if not error.permanent:
                raise
            log.warning("what was missed in chat can not be read", extra={"room": room.pk, "why": error.sentence})
            continue
        new += sum(hearing.take(workspace, message) for message in missed)
    return new


def _rooms(workspace: Workspace) -> list[Room]:
    """Return the rooms in which we are, newest first: of open incidents that are not private, and for commands."""
    worked_in = Q(incident=None) | Q(incident__state=Incident.State.OPEN, incident__is_private=False)
    found = Room.objects.filter(worked_in, workspace=workspace, opened_at__isnull=False).exclude(external_id="")
    return list(found.order_by("-pk")[:MOST_ROOMS])


def _since(room: Room, deaf_since: datetime) -> datetime:
    """Return when something of a room came in last, well before we were deaf."""
    known = Message.objects.filter(room=room, at__lt=deaf_since - SURE)
    heard = known.order_by("-at").values_list("at", flat=True).first()
    assert room.opened_at is not None
    return max(heard or room.opened_at, now() - MOST)
