"""The list of a private incident: who comes on it and goes off it, each with a trace."""

from dataclasses import dataclass

from raglan.core import timeline
from raglan.core.clock import now
from raglan.incidents import events, privacy
from raglan.incidents.models import Incident, Listed
from raglan.people.models import Person, Team

MAX_WHY = 300


@dataclass(frozen=True, slots=True)
class Because:
    """How somebody comes on the list, why, and by whom; nobody: by raglan itself."""

    how: Listed.How
    why: str = ""
    by: Person | None = None


def put(incident: Incident, whom: Person | Team, because: Because) -> Listed | None:
    """Let somebody see a private incident; None when they are on the list already."""
    by_whom = {"person": whom} if isinstance(whom, Person) else {"team": whom}
    own = {"how": because.how, "why": because.why[:MAX_WHY], "by": because.by, "at": now()}
    line, made = Listed.objects.get_or_create(incident=incident, **by_whom, defaults=own)
    if not made:
        return None
    payload = events.PutOnList(
        listed=line.pk,
        person=line.person_id,
        team=line.team_id,
        how=line.how,
        why=line.why,
        by=line.by_id,
        listed_at=line.at,
    )
    timeline.append(payload, actor=because.by or timeline.SYSTEM, about=[incident, whom, privacy.PRIVACY])
    return line


def let_in(incident: Incident, person: Person, because: Because) -> None:
    """Put a person on the list of an incident that is private, unless they see it already."""
    if not privacy.may_know(person, incident):
        put(incident, person, because)


def take_off(line: Listed, why: str, *, by: Person) -> None:
    """Let somebody see it no more."""
    payload = events.TakenOffList(listed=line.pk, person=line.person_id, team=line.team_id, why=why[:MAX_WHY])
    whom = f"person:{line.person_id}" if line.person_id else f"team:{line.team_id}"
    incident = f"incident:{line.incident_id}"
    if Listed.objects.filter(pk=line.pk).delete()[0]:
        timeline.append(payload, actor=by, about=[incident, whom, privacy.PRIVACY])
