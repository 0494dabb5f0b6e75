"""Who leads and who writes: taken, and handed over with a note."""

from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.core.models import Event
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import open_room
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.models import Entry, Incident, Role
from raglan.people.models import Person

MAX_NOTE = 300


@atomic
def hand_over(incident: Incident, role: str, person: Person | None, *, by: Person, note: str = "") -> Incident:
    """Give a role to a person, or to nobody, with a note for the room. Safe to call twice.

    Raises BadInput, Conflict.
    """
    if role not in Role.values:
        raise BadInput("role", f"must be one of {', '.join(Role.values)}", status=422)
    note = " ".join(note.split())
    if len(note) > MAX_NOTE:
        raise BadInput("note", f"is longer than {MAX_NOTE} characters", status=422)
    incident = open_room(incident)
    before = getattr(incident, f"{role}_id")
    if before == (person.pk if person else None):
        return incident
    setattr(incident, role, person)
    incident.save(update_fields=[role])
    if person is not None:
        be_here(incident, by=person)
    event = _taken(incident, Role(role), person, note, by)
    words = _words(Role(role), person, by)
    said = Said(Entry.Kind.MACHINE, f"{words} {note}".strip(), key=f"role-{event.pk}", author_words="raglan")
    post(incident, said, by=None)
    return incident


def take_lead(incident: Incident, person: Person, *, by: Person, note: str = "") -> Incident:
    """Give the lead to a person; the room shows it."""
    return hand_over(incident, Role.LEAD, person, by=by, note=note)


def _taken(incident: Incident, role: Role, person: Person | None, note: str, by: Person) -> Event:
    about = room_and_now(incident, *([person] if person else []))
    if role == Role.LEAD and person is not None:
        return timeline.append(events.LeadTaken(person=person.pk, note=note), actor=by, about=about)
    taken = events.RoleTaken(role=role, person=person.pk if person else None, note=note)
    return timeline.append(taken, actor=by, about=about)


def _words(role: Role, person: Person | None, by: Person) -> str:
    does = {Role.LEAD: "the lead", Role.SCRIBE: "the writing"}[role]
    if person is None:
        return f"{by.name} gave {does} back; nobody has it."
    if person.pk == by.pk:
        return f"{by.name} took {does}."
    return f"{by.name} handed {does} to {person.name}."
