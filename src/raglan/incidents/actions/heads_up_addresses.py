"""Addresses for heads-ups by mail: one for each person who wants it, and a secret in it."""

import secrets

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.secrets import digest
from raglan.incidents import events
from raglan.incidents.models import HeadsUpAddress
from raglan.people.actions.contacts import tell
from raglan.people.models import Person

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # small ones: some programs write addresses in small letters
LENGTH = 20  # 99 bits


@atomic
def make_address(person: Person, *, actor: timeline.Subject) -> str:
    """Return what is secret in a person's address, this once; an earlier one works no more."""
    token = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    values = {"digest": digest(token), "made_at": now()}
    made, _ = HeadsUpAddress.objects.update_or_create(person=person, defaults=values)
    payload = events.HeadsUpAddressMade(address=made.pk, person=person.pk, made_at=made.made_at)
    timeline.append(payload, actor=actor, about=[person])
    tell(person, "An address was made by which heads-ups can be mailed in your name.")
    return token


@atomic
def end_address(person: Person, *, actor: timeline.Subject) -> None:
    """Let a person's address work no more. Safe to call twice."""
    found = HeadsUpAddress.objects.filter(person=person).first()
    if found is None or not HeadsUpAddress.objects.filter(pk=found.pk).delete()[0]:
        return
    payload = events.HeadsUpAddressEnded(address=found.pk, person=person.pk)
    timeline.append(payload, actor=actor, about=[person])
