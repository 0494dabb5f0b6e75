"""A heads-up of somebody in chat whom nobody here is: it counts all the same, openly and under their name there.

Whoever may write in a room of ours, or give our slash command, may warn. That can wake people, so it is counted.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from raglan.chat.words import link_of
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.core.secrets import digest
from raglan.incidents import actions, heads_up_words, queries
from raglan.incidents.models import Incident

MOST_OF_ONE, MOST_OF_ALL, WITHIN = 2, 6, timedelta(minutes=10)
MOST_SERVICES = 2
LINK_YOURSELF = (
    "I do not know yet who you are in raglan: open You there, make a code for chat, and write here !link and the code. "
    "Then what you write stands under your name."
)
NOBODY_TOLD = "Nobody is told by the pager yet: say which service it is about, as in !heads-up WORDS; services: NAME."


@dataclass(frozen=True, slots=True)
class Stranger:
    """Whoever warns: the name and the id that they have there, how keys there begin, and the id of what they wrote.

    A name is changed in a moment, so they are told apart by their id.
    """

    name: str
    id: str
    prefix: str
    message: str

    @property
    def own(self) -> str:
        """What keys of theirs begin with."""
        return f"{self.prefix}{digest(self.id)[:16]}-"

    @property
    def key(self) -> str:
        """By what the same message is known when it comes again."""
        return f"{self.own}{digest(self.message)[:24]}"


def warn(text: str, stranger: Stranger, incident: Incident | None) -> str:
    """Give a heads-up for somebody unknown; return what to answer. Raises Conflict when it is too much, BadInput."""
    lately = queries.strangers_heads_ups(stranger.prefix, now() - WITHIN)
    if len(lately) >= MOST_OF_ALL or sum(key.startswith(stranger.own) for key in lately) >= MOST_OF_ONE:
        raise Conflict(f"That is many heads-ups of people who are not known here in a few minutes. {LINK_YOURSELF}")
    found = heads_up_words.read(text, key=stranger.key)
    services = found.warned.services or (incident.services.order_by("pk") if incident else [])
    warned = replace(found.warned, services=list(services)[:MOST_SERVICES], author_words=stranger.name)
    given = actions.give_heads_up(warned, by=None)
    told = " and ".join(person.name for person in queries.told_of(given, now()))
    tells = f"{told} is told now." if told else NOBODY_TOLD
    link = link_of(given.incident) if given.incident else ""
    return " ".join(word for word in (queries.thanks(), tells, found.not_known, link, LINK_YOURSELF) if word)
