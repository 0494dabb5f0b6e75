"""The hand-over of a shift: what is open now, and the words of whoever goes to whoever comes."""

from collections.abc import Collection
from datetime import timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotAllowed
from raglan.oncall import events, queries
from raglan.oncall.models import HandoverNote, Schedule
from raglan.people.models import Person

MAX_TEXT = 2000
SHOWN = timedelta(days=14)


def may_write(schedule: Schedule, person: Person) -> bool:
    """Say whether somebody is on call now, and so has something to hand over."""
    return any(one == person for one, _ in queries.people_on_call(schedule.pk, now()))


@atomic
def write_note(schedule: Schedule, text: str, *, by: Person) -> None:
    """Keep what the next one should know; no text takes it back. Safe to call twice. Raises BadInput, NotAllowed."""
    if not may_write(schedule, by):
        raise NotAllowed("Whoever is on call now writes this.")
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_TEXT:
        raise BadInput("text", f"has more than {MAX_TEXT} characters")
    note = HandoverNote.objects.filter(schedule=schedule, author=by, given_at__isnull=True).first()
    if text == (note.text if note else ""):
        return
    at = now()
    if note is None:
        note = HandoverNote.objects.create(schedule=schedule, author=by, text=text, written_at=at)
    number = note.pk
    if text:
        HandoverNote.objects.filter(pk=number).update(text=text, written_at=at)
    else:
        note.delete()
    payload = events.HandoverWritten(handover_note=number, schedule=schedule.pk, author=by.pk, text=text, written_at=at)
    timeline.append(payload, actor=by, about=[schedule, by, "oncall"])


def own_note(schedule: Schedule, person: Person) -> str:
    """Return what somebody wrote for the next one and was not given yet."""
    note = HandoverNote.objects.filter(schedule=schedule, author=person, given_at__isnull=True).first()
    return note.text if note else ""


def latest(schedule: Schedule) -> list[HandoverNote]:
    """Return the notes that wait or were given within two weeks, the newest first."""
    rows = HandoverNote.objects.filter(schedule=schedule, written_at__gte=now() - SHOWN)
    return list(rows.select_related("author").order_by("-written_at", "-pk")[:3])


def waiting(schedule: Schedule, people: Collection[int]) -> list[HandoverNote]:
    """Return the notes that wait for some people who come, none of their own."""
    rows = HandoverNote.objects.filter(schedule=schedule, given_at__isnull=True).exclude(author__in=people)
    return list(rows.select_related("author").order_by("written_at", "pk"))


@atomic
def give(schedule: Schedule, notes: Collection[HandoverNote], people: Collection[int]) -> None:
    """Keep that notes were given to those who came. Safe to call twice."""
    at = now()
    numbers = sorted(note.pk for note in notes)
    if not HandoverNote.objects.filter(pk__in=numbers, given_at__isnull=True).update(given_at=at):
        return
    payload = events.HandoverGiven(schedule=schedule.pk, handover_notes=numbers, people=sorted(people), given_at=at)
    timeline.append(payload, about=[schedule, *(f"person:{pk}" for pk in sorted(people)), "oncall"])
