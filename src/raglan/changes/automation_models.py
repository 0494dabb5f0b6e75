"""Nouns of automation cards: what acts on many machines, four answers about it, and when each was last practised."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Person, Team


class Question(models.TextChoices):
    """The four questions about any automation that acts on many machines."""

    NOTICE = "notice", "How would we notice that it goes wrong?"
    TRY = "try", "How can it be tried safely?"
    STOP = "stop", "How is it turned off?"
    BY_HAND = "by_hand", "Can a person do the work by hand?"


class AutomationCard(models.Model):
    """Automation that acts on many machines, and who keeps its answers true."""

    ref_kind: ClassVar[str] = "automation"

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    acts_on = models.CharField(max_length=300)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["removed_at", "title"], name="automation_title")]

    def __str__(self) -> str:
        return self.title


class AutomationAnswer(models.Model):
    """What the keepers answered to one question at one version of the card. The newest counts. Never changed."""

    card = models.ForeignKey(AutomationCard, on_delete=models.CASCADE, related_name="answers")
    question = models.CharField(max_length=10, choices=Question.choices)
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["card", "question", "version"], name="automation_answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.text[:40]}"


class AutomationPractice(models.Model):
    """That somebody did what an answer says, and whether it was so. Never changed."""

    answer = models.ForeignKey(AutomationAnswer, on_delete=models.CASCADE, related_name="practices")
    worked = models.BooleanField()
    words = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["answer", "-at"], name="automation_practice_at")]

    def __str__(self) -> str:
        return self.words
