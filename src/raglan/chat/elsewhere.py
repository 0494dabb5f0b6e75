"""An incident that happened elsewhere: made for its chat, as of when it began, and closed as of its end.

It pages nobody, opens no room in chat, and whoever brings it in was not thereby there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from raglan.chat import import_looks, import_steps, imported_lines, importing
from raglan.chat.exported import Export, Told
from raglan.chat.importing import Brought
from raglan.chat.models import ChatImport
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, privacy
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


def look_at(past: Past, export: Export, *, by: Person) -> ChatImport:
    """Keep what would become an incident, so that somebody can look at it and then say yes. Raises BadInput."""
    kept = {
        "title": _title(past),
        "began_at": _began(past, export.lines).isoformat(),
        "is_near_miss": past.is_near_miss,
        "closes": past.closes,
        "closing": CLOSING,
    }
    return import_looks.look_at(export, by=by, incident=None, past=kept)


@atomic
def make(chat_import: ChatImport) -> bool:
    """Make the incident of what was looked at; tell whether it was not made before. Raises Conflict.

    It goes before begin(), in the same transaction: somebody who drops the look meanwhile leaves no empty incident.
    """
    held = ChatImport.objects.select_for_update(no_key=True, of=("self",)).select_related("by")
    found = held.filter(pk=chat_import.pk).first()
    if found is None:
        raise Conflict("This is not there any more. Bring it in anew.")
    if found.incident_id is not None:
        return False
    past = dict(found.past or {})
    incident = _made(str(past["title"]), datetime.fromisoformat(str(past["began_at"])), found.by)
    if incident.state != Incident.State.OPEN:
        raise _closed(incident, found.by)
    found.incident = incident
    found.save(update_fields=["incident"])
    return True


def bring_in(
    past: Past,
    lines: Sequence[Told],
    *,
    by: Person,
    after: ChatImport | None = None,
    kind: str = "text",
    has_more: bool = False,
) -> tuple[Incident, Brought]:
    """Put a chat into an incident made for it. The same title and beginning again goes on in the same one.

    With `after` none is made: what it is told to be has to be the incident of that import. Raises BadInput, Conflict.
    """
    if not lines:
        raise BadInput("text", "holds no line that can be understood", status=422)
    title, began = _title(past), _began(past, lines)
    incident = _made(title, began, by) if after is None else _of(after, title, began, by)
    if incident.state != Incident.State.OPEN:
        known = len(imported_lines.known(incident, lines))
        if known < len(lines):  # the same again is answered; what is not there, or leaves just now, can not come in
            raise _closed(incident, by)
        return incident, Brought(0, known)
    brought = importing.bring_in(incident, lines, by=by, after=after, kind=kind, has_more=has_more)
    if past.is_near_miss:
        incident = actions.turn_kind(incident, Incident.Kind.NEAR_MISS, by=by)
    if past.closes:
        incident = importing.close(incident, brought, words=CLOSING, by=by)
    return incident, brought


def _title(past: Past) -> str:
    return " ".join(past.title.split())[:300]


def _began(past: Past, lines: Sequence[Told]) -> datetime:
    began = past.began_at or min(line.at for line in lines)
    if began > now():
        raise BadInput("began_at", "is still to come", status=422)
    return began


def _made(title: str, began: datetime, by: Person) -> Incident:
    return _known(title, began, by).first() or actions.declare(title, by=by, began_at=began)


def _closed(incident: Incident, by: Person) -> Conflict:
    if not privacy.may_know(by, incident):
        return Conflict(import_steps.CLOSED)
    return Conflict(f"Incident {incident.pk}, “{incident.title}”, is closed. Reopen it to bring a chat in.")


def _of(after: ChatImport, title: str, began: datetime, by: Person) -> Incident:
    """Return the incident of an import, where it is the one that is told of. Raises BadInput."""
    found = _known(title, began, by).filter(pk=after.incident_id or 0).first()
    if found is None:
        raise BadInput("import_id", "is no import of an incident with this title and beginning", status=422)
    return found


def _known(title: str, began: datetime, by: Person) -> QuerySet[Incident]:
    told = Incident.objects.filter(title=title, declared_at=began, declared_by=by, merged_into=None)
    return told.order_by("pk")
