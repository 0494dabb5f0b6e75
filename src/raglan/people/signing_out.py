"""Whoever signs out hears no more words by the pages that they left open, only names."""

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver

from raglan.core import bus
from raglan.people.models import Person


@receiver(user_logged_out)
def tell_streams(user: object, **_: object) -> None:
    """Let the streams of a person be looked at anew, as when anything about them changes."""
    if isinstance(user, Person):
        bus.publish([f"{Person.ref_kind}:{user.pk}"], 0)
