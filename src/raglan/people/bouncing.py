"""Mails to people that a mail server took and could not bring: told as if they had been refused at once."""

import re

from raglan.core import mail_in, return_path, timeline
from raglan.core.db import atomic
from raglan.core.mail_in import Mail
from raglan.core.models import Event
from raglan.people import events

PURPOSE = "mail"
ABOUT = re.compile(r"([a-z_]+):(\d{1,18})")
NAME = re.compile(r"([a-z_]+)\.([0-9a-f]{1,15})\.([0-9a-f]{1,15})")


def return_to(about: str, number: int) -> str:
    """Return where a mail comes back to that is about a thing, such as `person:12`; `number` no other mail has."""
    found = ABOUT.fullmatch(about)
    return return_path.address(PURPOSE, f"{found[1]}.{int(found[2]):x}.{number:x}") if found else ""


def take(mail: Mail) -> str | None:
    """Note that a mail came back; None when it is not for us. Raises BadInput."""
    name = return_path.name_of(mail, PURPOSE)
    found = NAME.fullmatch(name) if name is not None else None
    if found is None:
        return None
    if not mail.bounced:
        return "left alone: no word that it was refused for good"
    return note(f"{found[1]}:{int(found[2], 16)}", int(found[3], 16), mail.bounced)


@atomic
def note(about: str, number: int, status: str) -> str:
    """Record once that a mail was refused with a status such as 5.1.1; return what became of it."""
    told = Event.objects.filter(kind=events.MailNotSent.kind, subjects__subject=about).order_by("pk")
    if any(data.get("mail") == number for data in told.values_list("data", flat=True)):
        return "left alone: it is known already"
    timeline.append(events.MailNotSent(said=f"came back with {status}", mail=number), about=[about])
    return f"a mail about {about} came back with {status}"


mail_in.register_mail_handler(take)
