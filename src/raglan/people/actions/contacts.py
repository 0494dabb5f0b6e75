"""Verbs of contact methods. Each change is announced on the ways that were there before it."""

from django.template.loader import render_to_string

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.people import events, mail, ports, sealing
from raglan.people.models import ContactMethod, Person

MAX_CONTACTS = 20


@atomic
def add_contact(
    person: Person, *, kind: str, address: str, label: str = "", secret: str = "", actor: timeline.Subject
) -> ContactMethod:
    """Add a way to reach somebody; the same again returns what is there. Raises BadInput.

    `secret` is what only the channel may know, such as the keys of a browser. It is kept sealed.
    """
    if kind not in ContactMethod.Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(ContactMethod.Kind.values)}")
    address = address.strip()
    ports.check_address(kind, address)
    if found := ContactMethod.objects.filter(person=person, kind=kind, address=address).first():
        if secret:
            ContactMethod.objects.filter(pk=found.pk).update(sealed=sealing.seal(secret))
        return found
    if ContactMethod.objects.filter(person=person).count() >= MAX_CONTACTS:
        raise BadInput("address", f"{MAX_CONTACTS} ways are enough; remove one first")
    tell(person, f"A way to reach you was added: {ContactMethod.Kind(kind).label} {address}.")
    contact = ContactMethod.objects.create(
        person=person,
        kind=kind,
        address=address[:500],
        label=label.strip()[:80],
        sealed=sealing.seal(secret) if secret else "",
        created_at=now(),
    )
    record(contact, "added", actor)
    return contact


@atomic
def remove_contact(contact: ContactMethod, *, actor: timeline.Subject) -> None:
    """Remove a way to reach somebody. The last one stays. Raises Conflict."""
    if ContactMethod.objects.filter(person_id=contact.person_id).count() == 1:
        raise Conflict("This is the only way to reach this person. Add another one first.")
    tell(contact.person, f"A way to reach you was removed: {contact}.")
    record(contact, "removed", actor)
    contact.delete()


@atomic
def end_contact(contact: ContactMethod, *, why: str) -> None:
    """Take away a way that has ended on its own, such as a browser that was reset; its person is told."""
    found = ContactMethod.objects.select_related("person").filter(pk=contact.pk).first()
    if found is None:
        return
    tell(found.person, f"A way to reach you has ended: {found}. {why}")
    record(found, "ended", timeline.SYSTEM)
    found.delete()


@atomic
def confirm_contact(contact: ContactMethod, *, actor: timeline.Subject) -> bool:
    """Note that something sent there was answered by its person. Return whether that is news."""
    at = now()
    if not ContactMethod.objects.filter(pk=contact.pk, confirmed_at__isnull=True).update(confirmed_at=at):
        return False
    contact.confirmed_at = at
    record(contact, "confirmed", actor)
    return True


def record(contact: ContactMethod, what: str, actor: timeline.Subject) -> None:
    """Append what happened to a way to reach somebody; its address stays out."""
    changed = events.ContactChanged(
        what=what,
        contact=contact.pk,
        person=contact.person_id,
        channel=contact.kind,
        label=contact.label,
        confirmed_at=contact.confirmed_at,
        created_at=contact.created_at,
    )
    timeline.append(changed, actor=actor, about=[contact.person, "people"])


def tell(person: Person, what: str) -> None:
    """Announce a change on every mail address that somebody has so far: a thief can not make it in silence."""
    text = render_to_string("people/mail/changed.txt", {"person": person, "what": what, "link": config().public_url})
    for address in ContactMethod.objects.filter(person=person, kind=ContactMethod.Kind.EMAIL).order_by("pk"):
        mail.write(address.address, subject="Something about you was changed in raglan", text=text, about=person)
