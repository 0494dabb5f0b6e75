"""How bad it is for users, in raglan's own words or in those of the house."""

from dataclasses import dataclass
from difflib import get_close_matches

from raglan.core.errors import BadInput
from raglan.incidents.models import Incident, SeverityWords

OWN: dict[str, str] = {str(value): str(label) for value, label in Incident.Severity.choices}


@dataclass(frozen=True, slots=True)
class Severity:
    """One severity and its words."""

    severity: str
    words: str
    is_own: bool


def shelf() -> list[Severity]:
    """Return all severities, the worst first, with their words as they are said here."""
    adapted = dict(SeverityWords.objects.values_list("severity", "words"))
    return [Severity(value, adapted.get(value, words), value not in adapted) for value, words in OWN.items()]


def choices() -> list[tuple[str, str]]:
    """Return what a form offers."""
    return [(one.severity, one.words) for one in shelf()]


def words_of(severity: str) -> str:
    """Say what users feel."""
    return dict(choices()).get(severity, severity)


def read(text: str) -> str:
    """Return the severity that somebody means by `sev2`, `2`, or its words. Raises BadInput."""
    text = " ".join(text.casefold().split())
    named = {name: one.severity for one in shelf() for name in (one.severity, one.words.casefold())}
    named |= {value.removeprefix("sev"): value for value in OWN}
    near = [text] if text in named else get_close_matches(text, named, 1)
    if not near:
        raise BadInput("severity", "say one of: " + "; ".join(f"{one.severity} – {one.words}" for one in shelf()))
    return named[near[0]]
