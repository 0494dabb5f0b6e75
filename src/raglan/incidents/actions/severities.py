"""What severities are called here."""

from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotFound
from raglan.incidents import events, severities
from raglan.incidents.models import SeverityWords

MAX_WORDS = 80


@atomic
def change_severity_words(severity: str, words: str, *, by: timeline.Subject) -> None:
    """Call a severity otherwise here; no words bring back raglan's own. Safe to call twice.

    Raises NotFound, BadInput.
    """
    if severity not in severities.OWN:
        raise NotFound("There is no such severity.")
    words = " ".join(words.split())
    if len(words) > MAX_WORDS:
        raise BadInput("words", f"are longer than {MAX_WORDS} characters", status=422)
    words = "" if words == severities.OWN[severity] else words
    before = SeverityWords.objects.select_for_update().filter(severity=severity).first()
    if words == (before.words if before else ""):
        return
    if words:
        SeverityWords.objects.update_or_create(severity=severity, defaults={"words": words})
    else:
        SeverityWords.objects.filter(severity=severity).delete()
    timeline.append(events.SeverityCalled(severity=severity, words=words), actor=by, about=["severities"])
