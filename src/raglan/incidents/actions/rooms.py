"""The life of a room: declared, named, closed, reopened."""

from collections.abc import Sequence
from datetime import datetime

from raglan.catalog.models import Service
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import events, severities
from raglan.incidents.actions.entries import PING, Said, post
from raglan.incidents.actions.holding import hold, hold_room
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.models import Entry, Incident, Responder
from raglan.people.models import Person


@atomic
def declare(
    title: str,
    *,
    by: Person | None,
    severity: str = Incident.Severity.UNKNOWN,
    services: Sequence[Service] = (),
    state_words: str = "",
    began_at: datetime | None = None,
) -> Incident:
    """Open a room. Raises BadInput when there is no title.

    With `began_at` it is told of afterwards: whoever tells of it was not thereby in the room.
    """
    title = " ".join(title.split())
    if not title:
        raise BadInput("title", "say in a few words what you see")
    if severity not in Incident.Severity.values:
        raise BadInput("severity", f"must be one of {', '.join(Incident.Severity.values)}")
    incident = Incident.objects.create(
        title=title[:300],
        severity=severity,
        declared_by=by,
        declared_at=began_at or now(),
        state_words=state_words[:120],
    )
    incident.services.set(services)
    declared = events.IncidentDeclared(
        title=incident.title,
        severity=severity,
        services=sorted(service.pk for service in services),
        state_words=incident.state_words,
        declared_by=by.pk if by else None,
        declared_at=incident.declared_at,
    )
    timeline.append(declared, actor=by or timeline.SYSTEM, about=room_and_now(incident))
    if by is not None and began_at is None:
        be_here(incident, by=by)
    return incident


@atomic
def stand_down(incident: Incident, *, by: Person, words: str = "", at: datetime | None = None) -> Incident:
    """End the coordination, or say when it ended. A review is drafted from the timeline.

    Safe to call twice. Raises Conflict when it was closed before in other words: these have no place then.
    """
    text = words.strip() or "Stood down."
    held = hold(incident.pk)
    if held.state == Incident.State.OPEN:
        post(incident, Said(Entry.Kind.DECIDED, text), by=by, at=at)
        _close(incident, text, by, at or now())
    elif words.strip() and held.closing_words != text[:4000]:
        raise Conflict(f"It is closed already: “{held.closing_words[:200]}”. More can be said in its review.")
    incident.refresh_from_db()
    return incident


def _close(incident: Incident, text: str, by: Person, at: datetime) -> None:
    words = text[:4000]
    Incident.objects.filter(pk=incident.pk).update(
        state=Incident.State.CLOSED, closed_at=at, closing_words=words, next_update_at=None
    )
    Responder.objects.filter(incident=incident).exclude(offer="").update(offer="", offer_until=None)
    waiting = Entry.objects.filter(incident=incident, ping_at__isnull=False)
    for entry in waiting:
        timers.cancel(PING, subject=timeline.ref(entry))
    waiting.update(ping_at=None)
    timeline.append(events.IncidentStoodDown(words=words, closed_at=at), actor=by, about=room_and_now(incident))


@atomic
def reopen(incident: Incident, *, by: Person, why: str) -> Incident:
    """Go on. Of a room that somebody opened before, the reason is told in it. Safe to call twice.

    Raises BadInput, and Conflict for one that goes on in another incident.
    """
    if into := hold(incident.pk).merged_into_id:
        raise Conflict(f"This goes on as incident {into}. It can be taken out of it again there.")
    done = Incident.objects.filter(pk=incident.pk, state=Incident.State.CLOSED).update(
        state=Incident.State.OPEN, closed_at=None
    )
    incident.refresh_from_db()
    if done:
        timeline.append(events.IncidentReopened(why=why), actor=by, about=room_and_now(incident))
        post(incident, Said(Entry.Kind.NOTE, why or "Reopened."), by=by)
    elif why.strip() and not _is_said(incident, why.strip(), by):
        post(incident, Said(Entry.Kind.NOTE, why), by=by)
    return incident


def _is_said(incident: Incident, text: str, by: Person) -> bool:
    return Entry.objects.filter(incident=incident, kind=Entry.Kind.NOTE, author=by, text=text).exists()


@atomic
def rename(incident: Incident, title: str, *, severity: str, by: Person) -> Incident:
    """Change title and severity; the room shows what was before. Raises BadInput."""
    title = " ".join(title.split())[:300]
    if not title:
        raise BadInput("title", "say in a few words what you see")
    if severity not in Incident.Severity.values:
        raise BadInput("severity", f"must be one of {', '.join(Incident.Severity.values)}")
    if (incident.title, incident.severity) == (title, severity):
        return incident
    before, felt = incident.title, incident.severity
    incident.title, incident.severity = title, severity
    incident.save(update_fields=["title", "severity"])
    renamed = events.IncidentRenamed(title=title, severity=severity, title_before=before, severity_before=felt)
    timeline.append(renamed, actor=by, about=room_and_now(incident))
    if before != title:
        post(incident, Said(Entry.Kind.MACHINE, f"Title was: {before}", author_words="raglan"), by=by)
    if felt != severity and hold_room(incident).state == Incident.State.OPEN:
        words = f"What users feel: {severities.words_of(severity)}. It was: {severities.words_of(felt)}."
        post(incident, Said(Entry.Kind.MACHINE, words, author_words="raglan"), by=by)
    return incident
