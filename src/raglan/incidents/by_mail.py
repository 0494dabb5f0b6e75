"""Heads-ups by mail: what is secret in the address says whose it is, and the answer goes to their own address.

So whoever misuses an address does not go unseen. The sender of a mail proves nothing.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta

from raglan.config import config
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, RaglanError
from raglan.core.secrets import digest
from raglan.incidents import actions, heads_up_words, queries
from raglan.people import mail
from raglan.people.access import Scope, allows
from raglan.people.models import Person
from raglan.ui.wording import in_a_line

MOST, WITHIN = 10, timedelta(minutes=10)
_FORWARDED = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg)\s*:\s*)+", re.IGNORECASE)
_SIGNATURE = re.compile(r"(?m)^-- ?$")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, as far as it matters here; services are those that its address names."""

    subject: str
    text: str
    sender: str
    message_id: str
    services: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The subject without what programs put before it."""
        return _FORWARDED.sub("", self.subject).strip()

    @property
    def words(self) -> str:
        """Subject and text as the person wrote them: without quoted lines and what stands under them all."""
        own = _SIGNATURE.split(self.text.replace("\r\n", "\n"), maxsplit=1)[0]
        text = "\n".join(line for line in own.split("\n") if not line.startswith(">")).strip()
        return "\n".join(part for part in (self.title, text) if part)

    @property
    def key(self) -> str:
        """By what the same mail is known when it comes again."""
        return f"mail-{digest(self.message_id or self.words)[:40]}"


def person_of(token: str) -> Person:
    """Return whose address it is, if they may give heads-ups. Raises BadInput."""
    person = queries.person_of_address(token)
    if person is None or not allows(person, Scope.RESPOND):
        raise BadInput("to", "nobody here has this address")
    return person


@atomic
def give(person: Person, letter: Letter) -> str:
    """Give a heads-up and answer by mail, both or none. The same mail again does neither. Raises BadInput."""
    if given := queries.heads_up_by_key(person, letter.key):
        return f"heads-up {given.pk} is given already"
    if queries.mailed_lately(person, now() - WITHIN) >= MOST:
        raise BadInput("", f"{MOST} heads-ups in {WITHIN.seconds // 60} minutes are enough; use the room")
    read = heads_up_words.read(letter.words, services=letter.services, key=letter.key)
    try:
        given = actions.give_heads_up(read.warned, by=person)
    except RaglanError as error:
        raise BadInput("", error.sentence) from None
    told = [one.name for one in queries.told_of(given, now())]
    heard = (
        f"{' and '.join(told)} will be told at once." if told else "Nobody else is on call for this: ask in the room."
    )
    lines = [
        f"{queries.thanks()} {heard}",
        f"{config().public_url}/incidents/{given.incident_id}/",
        read.not_known,
        f"It came by mail from {in_a_line(letter.sender, 100)}. If that was not you, make yourself a new address: "
        f"{config().public_url}/heads-up/mail/",
    ]
    subject = f"Re: {in_a_line(letter.title, 100) or 'Heads-up'}"
    mail.write(person.email, subject=subject, text="\n\n".join(line for line in lines if line), about=person)
    return f"heads-up {given.pk}"
