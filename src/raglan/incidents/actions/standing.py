"""Where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, ServiceState
from raglan.people.models import Person


@dataclass(frozen=True, slots=True)
class Standing:
    """Where it stands: a sentence or two, three lists, what users feel, and when the next word comes."""

    summary: str
    know: Sequence[str] = ()
    trying: Sequence[str] = ()
    unknown: Sequence[str] = ()
    service_state: str = ServiceState.UNKNOWN
    state_words: str = ""
    next_update: timedelta | None = None
    seen_version: int | None = None


@atomic
def write_standing(incident: Incident, standing: Standing, *, by: Person) -> Incident:
    """Write where it stands.

    Raises Conflict when somebody wrote in between (`seen_version`); nothing is overwritten in silence.
    """
    if not standing.summary.strip():
        raise BadInput("summary", "say in a sentence where it stands")
    if standing.service_state not in ServiceState.values:
        raise BadInput("state", f"must be one of {', '.join(ServiceState.values)}")
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    if standing.seen_version is not None and standing.seen_version != incident.standing_version:
        raise Conflict(
            "Somebody wrote where it stands while you were writing. Both texts are shown; put them together."
        )
    turned = incident.service_state != standing.service_state
    before = incident.get_service_state_display()
    incident.summary = standing.summary.strip()[:4000]
    incident.know, incident.trying, incident.unknown = (
        [line.strip()[:400] for line in lines if line.strip()][:20]
        for lines in (standing.know, standing.trying, standing.unknown)
    )
    incident.service_state = standing.service_state
    incident.state_words = standing.state_words.strip()[:120]
    incident.standing_at, incident.standing_by = now(), by
    incident.standing_version += 1
    incident.next_update_at = now() + standing.next_update if standing.next_update else None
    incident.save()
    timeline.append(
        events.StandingWritten(
            summary=incident.summary,
            know=incident.know,
            trying=incident.trying,
            unknown=incident.unknown,
            service_state=incident.service_state,
            state_words=incident.state_words,
            version=incident.standing_version,
            person=by.pk,
            written_at=incident.standing_at,
            next_update_at=incident.next_update_at,
        ),
        actor=by,
        about=room_and_now(incident),
    )
    if turned:
        after = incident.get_service_state_display()
        post(incident, Said(Entry.Kind.TURN, f"From {before.lower()} to {after.lower()}"), by=None)
    return incident


def due_standing(incident: Incident, at: datetime) -> bool:
    """Tell whether the promised update is overdue."""
    return incident.next_update_at is not None and incident.next_update_at < at
