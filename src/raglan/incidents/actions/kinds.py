"""Near misses: nothing broke, and something was learnt. Declared, written down afterwards, or turned into one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.actions.rooms import declare, stand_down
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

MAX_KEPT = 2_000
Kind = Incident.Kind


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A near miss as somebody tells it afterwards."""

    title: str
    happened: str
    kept: str = ""
    services: Sequence[Service] = field(default_factory=tuple)
    at: datetime | None = None


@atomic
def turn_kind(incident: Incident, kind: str, *, by: Person, kept: str | None = None) -> Incident:
    """Call an incident a near miss, with what kept it from being worse, or an incident after all.

    With None the words stay that are there. So they do with an incident, which shows them no more: whoever calls it a
    near miss again finds them. Safe to call twice. Raises BadInput.
    """
    if kind not in Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(Kind.values)}", status=422)
    if kept is not None and len(kept.strip()) > MAX_KEPT:
        raise BadInput("kept", f"is longer than {MAX_KEPT} characters", status=422)
    held = hold_room(incident)
    kept = _stays(held, kind, kept)
    if (held.kind, held.kept) != (kind, kept):
        is_turned = held.kind != kind
        Incident.objects.filter(pk=incident.pk).update(kind=kind, kept=kept)
        turned = events.IncidentTurned(incident_kind=kind, kept=kept)
        timeline.append(turned, actor=by, about=room_and_now(incident))
        if held.state == Incident.State.OPEN and (is_turned or kind == Kind.NEAR_MISS):
            words = _words(kind, kept, is_turned=is_turned)
            post(incident, Said(Entry.Kind.MACHINE, words, author_words="raglan"), by=by)
    incident.refresh_from_db(fields=["kind", "kept"])
    return incident


@atomic
def write_near_miss(told: NearMiss, *, by: Person) -> Incident:
    """Write a near miss down afterwards: its room is closed at once, and a review is drafted. It pages nobody.

    Raises BadInput.
    """
    if not told.happened.strip():
        raise BadInput("happened", "say in a few words what happened", status=422)
    incident = declare(told.title, by=by, services=told.services, severity=Incident.Severity.SEV4)
    post(incident, Said(Entry.Kind.NOTE, told.happened), by=by, at=min(told.at or now(), now()))
    incident = turn_kind(incident, Kind.NEAR_MISS, by=by, kept=told.kept)
    return stand_down(incident, by=by, words="A near miss, written down afterwards.")


def _stays(held: Incident, kind: str, kept: str | None) -> str:
    """Return what is known of what kept it from being worse; calling it an incident takes no words away."""
    said = (kept or "").strip()
    return held.kept if kept is None or (kind == Kind.INCIDENT and not said) else said


def _words(kind: str, kept: str, *, is_turned: bool) -> str:
    if kind == Kind.INCIDENT:
        return "This is an incident after all, not a near miss."
    kept = f" What kept it from being worse: {kept}" if kept else ""
    return f"This is a near miss: nothing broke.{kept}" if is_turned else kept.strip() or "A near miss: nothing broke."
