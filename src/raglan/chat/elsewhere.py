"""An incident that happened elsewhere: made for its chat, as of when it began, and closed as of its end.

It pages nobody, opens no room in chat, and whoever brings it in was not thereby there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from raglan.chat import importing
from raglan.chat.exported import Told
from raglan.chat.importing import Brought
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.incidents import actions
from raglan.incidents.models import Incident
from raglan.people.models import Person

CLOSING = "Brought in from a chat that was held elsewhere."


@dataclass(frozen=True, slots=True)
class Past:
    """An incident as somebody tells of it; without a beginning it began with the first line."""

    title: str
    began_at: datetime | None = None
    is_near_miss: bool = False
    closes: bool = True


def bring_in(past: Past, lines: Sequence[Told], *, by: Person) -> tuple[Incident, Brought]:
    """Put a chat into an incident made for it. The same title and beginning again goes on in the same one.

    Raises BadInput, Conflict.
    """
    if not lines:
        raise BadInput("text", "holds no line that can be understood", status=422)
    began = past.began_at or min(line.at for line in lines)
    if began > now():
        raise BadInput("began_at", "is still to come", status=422)
    incident = _made(past, began, by)
    if incident.state != Incident.State.OPEN:
        return incident, Brought(0, len(importing.known(incident, lines)))
    brought = importing.bring_in(incident, lines, by=by)
    if past.is_near_miss:
        incident = actions.turn_kind(incident, Incident.Kind.NEAR_MISS, by=by)
    if past.closes:
        incident = actions.stand_down(incident, by=by, words=CLOSING, at=_end(incident, began))
    return incident, brought


def _made(past: Past, began: datetime, by: Person) -> Incident:
    title = " ".join(past.title.split())[:300]
    known = Incident.objects.filter(title=title, declared_at=began, declared_by=by, merged_into=None).order_by("pk")
    return known.first() or actions.declare(title, by=by, began_at=began)


def _end(incident: Incident, began: datetime) -> datetime:
    """Return when the last line was said."""
    keyed = incident.entries.filter(key__startswith=importing.KEY).order_by("-at")
    last = keyed.values_list("at", flat=True).first()
    return min(max(last or began, began), now())
