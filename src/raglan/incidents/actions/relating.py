"""Incidents that have to do with each other, and how."""

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.incidents import events
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Entry, Incident, Related
from raglan.people.models import Person

MAX_WORDS = 200


@atomic
def relate(incident: Incident, other: Incident, *, by: Person, words: str = "") -> None:
    """Link two incidents with a word on how they are related; again, with another word, changes it.

    Safe to call twice. Raises BadInput.
    """
    words = " ".join(words.split())
    if incident.pk == other.pk:
        raise BadInput("other", "name another incident than this one", status=422)
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"are longer than {MAX_WORDS} characters", status=422)
    first, second = _in_order(incident, other)
    given = {"words": words, "by": by, "at": now()}
    link, is_new = Related.objects.get_or_create(incident=first, other=second, defaults=given)
    if not is_new and link.words == words:
        return
    if not is_new:
        Related.objects.filter(pk=link.pk).update(**given)
    linked = events.IncidentsRelated(one=first.pk, other=second.pk, words=words, person=by.pk, at=given["at"])
    timeline.append(linked, actor=by, about=[*room_and_now(first), second])
    for here, there in ((first, second), (second, first)):
        _tell(here, f"{by.name} linked this to incident {there.pk}{f': {words}' if words else '.'}", there)


@atomic
def unrelate(incident: Incident, other: Incident, *, by: Person) -> None:
    """Take a link between two incidents back. Safe to call twice."""
    first, second = _in_order(incident, other)
    if Related.objects.filter(incident=first, other=second).delete()[0]:
        unlinked = events.IncidentsUnrelated(one=first.pk, other=second.pk)
        timeline.append(unlinked, actor=by, about=[*room_and_now(first), second])
        for here, there in ((first, second), (second, first)):
            _tell(here, f"{by.name} took the link to incident {there.pk} back.", there)


def _in_order(incident: Incident, other: Incident) -> tuple[Incident, Incident]:
    """Return two incidents, the older one first: so they are linked once, and held in the same order by everybody."""
    return (incident, other) if incident.pk < other.pk else (other, incident)


def _tell(here: Incident, words: str, there: Incident) -> None:
    """Say so in the timeline of a room that is open; a room that everyone sees does not name a private one."""
    if there.is_private and not here.is_private:
        return
    if hold_room(here).state == Incident.State.OPEN:
        link = f"/incidents/{there.pk}/"
        post(here, Said(Entry.Kind.MACHINE, words, author_words="raglan", link=link), by=None)
