"""Nouns of the outside."""

from typing import ClassVar

from django.db import models

from raglan.incidents.models import Incident
from raglan.people.models import Person


class Desk(models.Model):
    """Who speaks to those outside an incident's room, and when they have promised the next word."""

    ref_kind: ClassVar[str] = "desk"

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="desk")
    holder = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    held_since = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, default="")
    next_word_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"the outside of incident {self.incident_id}"


class Stage(models.TextChoices):
    """How far an incident is, in the words of those who wait."""

    LOOKING = "looking", "We are looking into it"
    FOUND = "found", "We know what it is"
    WATCHING = "watching", "It should be well again; we are watching"
    OVER = "over", "It is over"


class StatusUpdate(models.Model):
    """Words for those who wait, once they are said. Never changed: a correction is the next update."""

    ref_kind: ClassVar[str] = "status_update"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="status_updates")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=64)
    stage = models.CharField(max_length=10, choices=Stage.choices)
    text = models.TextField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    next_word_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "key"], name="status_update_key_once"),
            models.UniqueConstraint(fields=["incident", "number"], name="status_update_number_once"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Question(models.Model):
    """What somebody outside the room wants to know. It waits at the desk."""

    ref_kind: ClassVar[str] = "question"

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "Waits"
        NEXT = "next", "Answered in the next update"
        ANSWERED = "answered", "Answered"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="questions")
    key = models.CharField(max_length=64)
    text = models.TextField()
    asker = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    answer = models.TextField(blank=True, default="")
    answered_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_in = models.ForeignKey(
        StatusUpdate, on_delete=models.PROTECT, null=True, blank=True, related_name="questions"
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["incident", "key"], name="question_key_once")]

    def __str__(self) -> str:
        return self.text[:80]
