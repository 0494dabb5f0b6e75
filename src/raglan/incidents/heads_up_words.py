"""A heads-up as people write it in one go, in chat or by mail: words, and behind labels what they know more.

A label stands at the beginning of a line or behind a semicolon: `did:`, `saw:`, `reach:`, `need:`, `services:`. In
quotes there is none.
"""

from dataclasses import dataclass

from raglan.catalog import queries as catalog
from raglan.catalog.models import Service
from raglan.changes import labels, named
from raglan.incidents.actions import Warned

MORE = ("did", "saw", "reach", "need")
MOST_TEXT, MOST_MORE, MOST_SERVICES = 8_000, 2_000, 20
_LABEL = labels.pattern("did|saw|reach|need|services?")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, and the names of services that nobody here knows."""

    warned: Warned
    unknown: list[str]

    @property
    def not_known(self) -> str:
        """Say which services are not known; empty when all are."""
        return f"Not known here as a service: {', '.join(self.unknown)}." if self.unknown else ""


def read(text: str, *, services: list[str] | None = None, key: str = "") -> Read:
    """Read a heads-up; `services` are named besides. What is not known does not stop it."""
    head, labelled = labels.split(text, _LABEL)
    found: dict[str, list[str]] = {}
    for label, value in labelled:
        found.setdefault(label, []).append(value.strip(" \t\r\n;"))
    known, unknown = _services([*(services or []), *found.get("services", []), *found.get("service", [])])
    more = {name: "\n".join(found.get(name, []))[:MOST_MORE] for name in MORE}
    words = head.strip(" \t\r\n;")[:MOST_TEXT] or next((value for value in more.values() if value), "")
    return Read(Warned(words, services=known, key=key, **more), unknown)


def _services(texts: list[str]) -> tuple[list[Service], list[str]]:
    """Return the services that are named: each between commas, or each word where that is none."""
    lines = [line for text in texts for line in text.splitlines()]
    words = [word for line in lines for fact in named.facts(line) if (word := named.bare(fact))][:MOST_SERVICES]
    known, unknown = catalog.called(words)
    again, unknown = catalog.called([word for phrase in unknown for word in phrase.split()][:MOST_SERVICES])
    return list({one.pk: one for one in [*known, *again]}.values()), [word[:60] for word in unknown]
