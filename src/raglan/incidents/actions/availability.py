"""Whether somebody can come, as they say themselves for the next hours. It is shown while it holds, and then gone."""

from datetime import timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.incidents import events
from raglan.incidents.models import Availability
from raglan.people.models import Person

FORGET = "incidents.forget_availability"
LONGEST = timedelta(hours=12)
MAX_WORDS = 120


@atomic
def say_availability(person: Person, state: str, *, length: timedelta, words: str = "") -> Availability:
    """Say for oneself whether one can come in the next hours; it replaces what one said before. Raises BadInput.

    What is recorded for ever is only that somebody said something: who was free when is nobody's to look up later.
    """
    if state not in Availability.State.values:
        raise BadInput("state", f"must be one of {', '.join(Availability.State.values)}", status=422)
    if not timedelta(minutes=15) <= length <= LONGEST:
        raise BadInput("hours", "must be from a quarter of an hour to twelve hours", status=422)
    until = now() + length
    said, _ = Availability.objects.update_or_create(
        person=person, defaults={"state": state, "until": until, "words": " ".join(words.split())[:MAX_WORDS]}
    )
    _cancel_forgetting(person)
    timers.schedule(FORGET, subject=timeline.ref(person), due_at=until)
    _tell_screens()
    return said


@atomic
def take_availability_back(person: Person) -> None:
    """Say nothing about it any more. Safe to call twice."""
    if Availability.objects.filter(person=person).delete()[0]:
        _cancel_forgetting(person)
        _tell_screens()


@atomic
def forget_availability(person_id: int) -> None:
    """What somebody said holds no more; nothing of it stays."""
    if Availability.objects.filter(person=person_id, until__lte=now()).delete()[0]:
        _tell_screens()


def _cancel_forgetting(person: Person) -> None:
    timers.cancel(FORGET, subject=timeline.ref(person))


def _tell_screens() -> None:
    timeline.append(events.AvailabilityChanged(), about=["now"])
