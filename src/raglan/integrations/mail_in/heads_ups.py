"""Reads a mail to `headsup+TOKEN@…` as a heads-up of the person whose address it is.

The sender of a mail proves nothing, so the secret in the address does, and the answer goes to the person's own address:
whoever misuses it does not go unseen. Services are named in the address behind dots, or in the mail behind `services:`.
"""

import re
from datetime import timedelta

from raglan.config import config
from raglan.core import logs
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, RaglanError
from raglan.core.mail_in import Mail
from raglan.core.secrets import digest
from raglan.incidents import actions, heads_up_words, queries
from raglan.integrations.mail_in.reader import loops
from raglan.people import mail as letters
from raglan.people.access import Scope, allows
from raglan.people.models import Person
from raglan.ui.wording import in_a_line

TAG = "headsup"
MOST, WITHIN = 10, timedelta(minutes=10)
_FORWARDED = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg)\s*:\s*)+", re.IGNORECASE)
_SIGNATURE = re.compile(r"(?m)^-- ?$")
log = logs.get("raglan.mail")


def take(mail: Mail) -> str | None:
    """Give a heads-up by a mail; None when it is not for us. Raises BadInput when nobody has this address."""
    tag = mail.tag(TAG)
    if tag is None:
        return None
    token, *services = tag.lower().split(".")
    person = queries.person_of_address(token)
    if person is None or not allows(person, Scope.RESPOND):
        raise BadInput("to", "nobody here has this address")
    if why := "a program sent it" if mail.is_automatic else loops(mail):
        log.info("mail was left alone", extra={"person": person.pk, "why": why})
        return f"left alone: {why}"
    key = f"mail-{digest(mail.message_id or words_of(mail))[:40]}"
    if queries.heads_up_by_key(person, key) is None and queries.mailed_lately(person, now() - WITHIN) >= MOST:
        raise BadInput("", f"{MOST} heads-ups in {WITHIN.seconds // 60} minutes are enough; use the room")
    return _give(person, mail, key, services)


@atomic
def _give(person: Person, mail: Mail, key: str, services: list[str]) -> str:
    """Give it, and answer by mail, both or none. The same mail again does neither."""
    if given := queries.heads_up_by_key(person, key):
        return f"heads-up {given.pk} is given already"
    read = heads_up_words.read(words_of(mail), services=services, key=key)
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
        f"It came by mail from {in_a_line(mail.sender, 100)}. If that was not you, make yourself a new address: "
        f"{config().public_url}/heads-up/mail/",
    ]
    subject = f"Re: {in_a_line(_FORWARDED.sub('', mail.subject), 100) or 'Heads-up'}"
    letters.write(person.email, subject=subject, text="\n\n".join(line for line in lines if line), about=person)
    return f"heads-up {given.pk}"


def words_of(mail: Mail) -> str:
    """Return subject and text as the person wrote them: without quoted lines and what stands under them all."""
    subject = _FORWARDED.sub("", mail.subject).strip()
    own = _SIGNATURE.split(mail.text.replace("\r\n", "\n"), maxsplit=1)[0]
    text = "\n".join(line for line in own.split("\n") if not line.startswith(">")).strip()
    return "\n".join(part for part in (subject, text) if part)
