"""A heads-up of somebody in chat whom nobody here is: it counts all the same, openly and under their name there.

Whoever may write in a room of ours, or give our slash command, may warn. That can wake people, so it is counted.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from raglan.catalog import queries as catalog
from raglan.catalog.models import Service
from raglan.chat.words import link_of
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.incidents import actions, heads_up_words, queries
from raglan.incidents.models import Incident

MOST_OF_ONE, MOST_OF_ALL, WITHIN = 2, 6, timedelta(minutes=10)
MOST_WORDS = 100
LINK_YOURSELF = (
    "I do not know yet who you are in raglan: open You there, make a code for chat, and write here !link and the code. "
    "Then what you write stands under your name."
)
NOBODY_TOLD = "Nobody is told by the pager yet: say which service it is about, as in !heads-up WORDS; services: NAME."


@dataclass(frozen=True, slots=True)
class Stranger:
    """Whoever warns: the name that they have there, with their id, and what keys of theirs begin with."""

    name: str
    prefix: str
    key: str


def warn(text: str, stranger: Stranger, incident: Incident | None) -> str:
    """Give a heads-up for somebody unknown; return what to answer. Raises Conflict when it is too much, BadInput."""
    lately = queries.strangers_heads_ups(stranger.prefix, now() - WITHIN)
    if len(lately) >= MOST_OF_ALL or lately.count(stranger.name) >= MOST_OF_ONE:
        raise Conflict(f"That is many heads-ups of people who are not known here in a few minutes. {LINK_YOURSELF}")
    found = heads_up_words.read(text, key=stranger.key)
    services = found.warned.services or _around(text, incident)
    warned = replace(found.warned, services=services, author_words=stranger.name)
    given = actions.give_heads_up(warned, by=None)
    told = " and ".join(person.name for person in queries.told_of(given, now()))
    tells = f"{told} is told now." if told else NOBODY_TOLD
    link = link_of(given.incident) if given.incident else ""
    return " ".join(word for word in (queries.thanks(), tells, found.not_known, link, LINK_YOURSELF) if word)


def _around(text: str, incident: Incident | None) -> Sequence[Service]:
    """Return the services that words name, else those of the room."""
    named, _ = catalog.called(re.findall(r"[\w-]{2,60}", text)[:MOST_WORDS])
    return named or (list(incident.services.order_by("pk")) if incident else [])
