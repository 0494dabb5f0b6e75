"""Reads a mail to `headsup+TOKEN@…` as a heads-up of the person whose address it is.

Services are named in the address behind dots, or in the mail behind `services:`.
"""

from raglan.core import logs
from raglan.core.mail_in import Mail
from raglan.incidents import by_mail
from raglan.integrations.mail_in.reader import loops

TAG = "headsup"
log = logs.get("raglan.mail")


def take(mail: Mail) -> str | None:
    """Give a heads-up by a mail; None when it is not for us. Raises BadInput when nobody has this address."""
    tag = mail.tag(TAG)
    if tag is None:
        return None
    token, *services = tag.lower().split(".")
    person = by_mail.person_of(token)
    if why := "a program sent it" if mail.is_automatic else loops(mail):
        log.info("mail was left alone", extra={"person": person.pk, "why": why})
        return f"left alone: {why}"
    return by_mail.give(person, by_mail.Letter(mail.subject, mail.text, mail.sender, mail.message_id, services))
