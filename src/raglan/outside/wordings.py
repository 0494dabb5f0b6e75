"""Verbs of wordings: words for updates that somebody wrote on a calm day."""

from dataclasses import dataclass

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.outside import desk, events, queries
from raglan.outside.components import check_line, line
from raglan.outside.models import Stage, Wording

MOST = 50


@dataclass(frozen=True, slots=True)
class Draft:
    """Words as somebody wrote them; the headline is for public updates."""

    name: str
    stage: str
    text: str
    headline: str = ""


@atomic
def add(draft: Draft, *, actor: timeline.Subject) -> Wording:
    """Offer words for updates. Raises BadInput."""
    if queries.wordings().count() >= MOST:
        raise BadInput("name", f"{MOST} are enough; remove one first", status=422)
    return _save(Wording(), draft, actor)


@atomic
def change(wording: Wording, draft: Draft, *, actor: timeline.Subject) -> Wording:
    """Change words for updates. What was said with them stays as it was. Raises BadInput."""
    return _save(wording, draft, actor)


def _save(wording: Wording, draft: Draft, actor: timeline.Subject) -> Wording:
    check_line(draft.name, "name", 80)
    check_line(draft.headline, "headline", desk.MAX_HEADLINE, empty=True)
    desk.check(desk.Word(draft.stage, draft.text))
    wording.name, wording.stage, wording.headline = line(draft.name), Stage(draft.stage), line(draft.headline)
    wording.text = clean_text(draft.text.strip())
    wording.save()
    told = events.WordingSet(
        wording=wording.pk, name=wording.name, stage=wording.stage, headline=wording.headline, text=wording.text
    )
    timeline.append(told, actor=actor, about=[wording])
    return wording


@atomic
def remove(wording: Wording, *, actor: timeline.Subject) -> None:
    """Offer words no more. Safe to call twice."""
    at = now()
    if Wording.objects.filter(pk=wording.pk, removed_at__isnull=True).update(removed_at=at):
        timeline.append(events.WordingRemoved(wording=wording.pk, removed_at=at), actor=actor, about=[wording])
