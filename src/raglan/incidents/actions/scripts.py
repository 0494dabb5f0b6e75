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
def change_script(moment: str, words: str, *, by: timeline.Subject, team: Team | None = None, title: str = "") -> None:
    """Say at a moment what is said here, or in a team; no words bring back what was said before. Safe to call twice.

    A team may have moments besides raglan's own, with a title. Raises NotFound, BadInput.
    """
    title, words = _title(moment, title, team), words.strip()
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"are longer than {MAX_WORDS} characters", status=422)
    before = Script.objects.select_for_update(of=("self",)).filter(moment=moment, team=team).first()
    own = OWN[moment][1] if team is None else ""
    words = "" if words == own else words
    if (words, title) == ((before.words, before.title) if before else ("", title)):
        return
    if words:
        Script.objects.update_or_create(moment=moment, team=team, defaults={"words": words, "title": title})
    else:
        Script.objects.filter(moment=moment, team=team).delete()
    changed = events.ScriptChanged(moment=moment, words=words, team=team.pk if team else None, title=title)
    timeline.append(changed, actor=by, about=["scripts"])


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
