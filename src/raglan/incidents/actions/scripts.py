"""Wordings for recurring moments, as they are said here and in teams."""

from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.incidents import events
from raglan.incidents.models import Script
from raglan.incidents.scripts import OWN
from raglan.people.models import Person, Team

MAX_WORDS, MAX_TITLE = 600, 80


def must_be_of(team: Team, person: Person) -> None:
    """Raise NotAllowed unless a person is in a team, or may set up raglan."""
    if not person.may_configure and not team.memberships.filter(person=person).exists():
        raise NotAllowed(f"Only who is in {team.name} chooses its words.")


@atomic
def change_script(
    moment: str, words: str, *, by: timeline.Subject, team: Team | None = None, title: str = "", place: str = ""
) -> None:
    """Say at a moment what is said here, or in a team; no words bring back what was said before. Safe to call twice.

    A team may have moments besides raglan's own, with a title and a place beside which they stand; with neither they
    keep theirs. Raises NotFound, BadInput.
    """
    if place and place not in Script.Place.values:
        raise BadInput("place", f"is one of {', '.join(Script.Place.values)}", status=422)
    title, words = _title(moment, title, team), words.strip()
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"are longer than {MAX_WORDS} characters", status=422)
    before = Script.objects.select_for_update(of=("self",)).filter(moment=moment, team=team).first()
    own = OWN[moment][1] if team is None else ""
    words = "" if words == own else words
    place = _place(moment, place, before)
    if (words, title, place) == ((before.words, before.title, before.place) if before else ("", title, place)):
        return
    if words:
        said = {"words": words, "title": title, "place": place}
        Script.objects.update_or_create(moment=moment, team=team, defaults=said)
    else:
        Script.objects.filter(moment=moment, team=team).delete()
    changed = events.ScriptChanged(moment=moment, words=words, team=team.pk if team else None, title=title, place=place)
    timeline.append(changed, actor=by, about=["scripts"])


def _place(moment: str, place: str, before: Script | None) -> str:
    """Return where a moment stands that a team adds. Raglan's own stand where they serve."""
    usual = before.place if before else Script.Place.ROOM
    return Script.Place.ROOM if moment in OWN else place or usual


def _title(moment: str, title: str, team: Team | None) -> str:
    """Return the title of a moment that a team adds; raglan's own moments keep theirs. Raises NotFound, BadInput."""
    if moment in OWN:
        return ""
    if team is None:
        raise NotFound("There is no such moment.")
    title = " ".join(title.split()) or next(
        iter(Script.objects.filter(moment=moment, team=team).values_list("title", flat=True)), ""
    )
    if not title:
        raise BadInput("title", "say in a few words which moment it is", status=422)
    if len(title) > MAX_TITLE:
        raise BadInput("title", f"is longer than {MAX_TITLE} characters", status=422)
    return title
