"""Nouns of reviews."""

from typing import ClassVar

from django.db import models

from raglan.incidents.models import Incident
from raglan.people.models import Person


class Review(models.Model):
    """A draft of what an incident taught, made from its timeline for people to argue with."""

    ref_kind: ClassVar[str] = "review"

    class State(models.TextChoices):
        """How far the writing is."""

        DRAFT = "draft", "Draft"
        SHARED = "shared", "Open for reading"

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="review")
    title = models.CharField(max_length=300)
    summary = models.TextField(blank=True, default="")
    surprised = models.TextField(blank=True, default="")
    went_right = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title


class Moment(models.Model):
    """One entry of the incident's timeline as the review keeps it, with room for what people add beside it."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="moments")
    entry_id = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=12)
    who = models.CharField(max_length=120)
    text = models.TextField()
    outcome = models.TextField(blank=True, default="")
    in_story = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["review", "entry_id"], name="moment_once")]
        ordering: ClassVar = ["at", "entry_id"]

    def __str__(self) -> str:
        return self.text[:80]


class Reply(models.Model):
    """One person's answer to one of the questions. Answers stand side by side and may disagree."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="replies")
    question = models.CharField(max_length=40)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["review", "question", "person"], name="reply_once_a_person")
        ]

    def __str__(self) -> str:
        return self.text[:80]
