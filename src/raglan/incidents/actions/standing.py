"""Where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from raglan.config import config
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, ServiceState
from raglan.people import mail
from raglan.people.models import Person

UPDATE_DUE, UPDATE_LATE = "incidents.update_due", "incidents.update_late"
LEAD_ALONE = timedelta(minutes=3)


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
    keeps_promise: bool = False  # with no new one, what was promised for a time to come stays
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
    incident = hold_room(incident)
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
    incident.next_update_at = _promised(incident, standing)
    incident.update_reminded_at = None
    incident.save()
    _plan_reminder(incident)
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


def _promised(incident: Incident, standing: Standing) -> datetime | None:
    """Return when the next update is promised for."""
    at, before = now(), incident.next_update_at
    if standing.next_update:
        return at + standing.next_update
    return before if standing.keeps_promise and before and before > at else None


def _plan_reminder(incident: Incident) -> None:
    subject = timeline.ref(incident)
    timers.cancel(UPDATE_DUE, UPDATE_LATE, subject=subject)
    if incident.next_update_at is not None:
        timers.schedule(UPDATE_DUE, subject=subject, due_at=incident.next_update_at)


@atomic
def remind_lead(incident_id: int) -> None:
    """The promised update is due: tell whoever leads, and the room some minutes later. Once a promise."""
    rows = Incident.objects.select_for_update(no_key=True, of=("self",)).select_related("lead")
    incident, at = rows.filter(pk=incident_id, state=Incident.State.OPEN).first(), now()
    if incident is None or incident.next_update_at is None or incident.update_reminded_at:
        return
    if incident.next_update_at > at:
        return
    incident.update_reminded_at = at
    incident.save(update_fields=["update_reminded_at"])
    lead = incident.lead
    due = events.UpdateDue(version=incident.standing_version, person=lead.pk if lead else None, reminded_at=at)
    timeline.append(due, about=room_and_now(incident))
    if lead is not None:
        link = f"{config().public_url}/incidents/{incident.pk}/standing/"
        text = f"You lead incident {incident.pk}, {incident.title}. An update was promised for now.\n\n"
        words = f"{text}That nothing is new is an update, too: {link}\n"
        mail.write(lead.email, subject="The promised update is due", text=words, about=incident)
    timers.schedule(UPDATE_LATE, subject=timeline.ref(incident), due_at=at + LEAD_ALONE if lead else at)


@atomic
def show_late_update(incident_id: int) -> None:
    """The promised update has not come: now the room says so."""
    incident = Incident.objects.filter(pk=incident_id, state=Incident.State.OPEN).first()
    if incident is None or incident.next_update_at is None or incident.update_reminded_at is None:
        return
    promised = incident.next_update_at.astimezone(UTC)
    text = f"An update was promised for {promised:%H:%M} UTC and has not come yet. Anybody can say where it stands."
    key = f"late-{incident.standing_version}"
    post(incident, Said(Entry.Kind.MACHINE, text, key=key, author_words="raglan"), by=None)


def is_shown_late(incident: Incident, at: datetime) -> bool:
    """Tell whether everybody is shown that the promised update is late; before that, only whoever leads is."""
    if not due_standing(incident, at):
        return False
    return incident.lead_id is None or at - (incident.next_update_at or at) >= LEAD_ALONE


def due_standing(incident: Incident, at: datetime) -> bool:
    """Tell whether the promised update is overdue."""
    return incident.next_update_at is not None and incident.next_update_at < at
