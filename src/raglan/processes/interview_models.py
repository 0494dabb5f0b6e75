"""Nouns of interviews: what somebody wants to understand, themes, and quotes that their speakers approved."""

from typing import ClassVar

from django.db import models

from raglan.people.models import Person


class InterviewRound(models.Model):
    """Some talks with people who use a process. Whom one talked to is not kept, only how many."""

    ref_kind: ClassVar[str] = "interview_round"

    process = models.ForeignKey("processes.Process", on_delete=models.CASCADE, related_name="rounds")
    question = models.CharField(max_length=300)
    planned = models.PositiveIntegerField()
    held = models.PositiveIntegerField(default=0)
    begun_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.question


class InterviewTheme(models.Model):
    """What came up in several talks, in the words of whoever led them."""

    round = models.ForeignKey(InterviewRound, on_delete=models.CASCADE, related_name="themes")
    title = models.CharField(max_length=200)
    words = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title


class Quote(models.Model):
    """What somebody said. Only its writer and its speaker see it until the speaker approved it, and never the name.

    When it is taken back its words are gone, and so is who said them.
    """

    ref_kind: ClassVar[str] = "quote"

    class State(models.TextChoices):
        """Whether it may be shown."""

        WAITING = "waiting", "Waits for its speaker"
        APPROVED = "approved", "Approved by its speaker"
        SAID_YES = "said_yes", "Its speaker said yes"
        TAKEN_BACK = "taken_back", "Taken back"

    theme = models.ForeignKey(InterviewTheme, on_delete=models.CASCADE, related_name="quotes")
    words = models.CharField(max_length=500, blank=True, default="")
    described_as = models.CharField(max_length=120, blank=True, default="")
    speaker = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    written_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)

    def __str__(self) -> str:
        return self.described_as
