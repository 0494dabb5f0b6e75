"""Wordings for recurring moments, as they are said here."""

from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotFound
from raglan.incidents import events
from raglan.incidents.models import Script
from raglan.incidents.scripts import OWN

MAX_WORDS = 600


@atomic
def change_script(moment: str, words: str, *, by: timeline.Subject) -> None:
    """Say at a moment what is said here; no words bring back raglan's own. Safe to call twice.

    Raises NotFound, BadInput.
    """
    if moment not in OWN:
        raise NotFound("There is no such moment.")
    words = words.strip()
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"are longer than {MAX_WORDS} characters", status=422)
    before = Script.objects.select_for_update().filter(moment=moment).first()
    if words == (before.words if before else "") or (before is None and words == OWN[moment][1]):
        return
    if words and words != OWN[moment][1]:
        Script.objects.update_or_create(moment=moment, defaults={"words": words})
    else:
        Script.objects.filter(moment=moment).delete()
        words = ""
    timeline.append(events.ScriptChanged(moment=moment, words=words), actor=by, about=["scripts"])
